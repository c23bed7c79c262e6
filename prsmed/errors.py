"""The one exception a user's mistake raises, everywhere in the library."""


class PRSMedError(ValueError):
    """A user's mistake, told in words the user can act on.

    Args:
        code: Stable snake_case name for programs, e.g. ``"slice_out_of_range"``.
        message: Says the value, the rule and the cure, e.g.
            ``"slice 80 is outside 0..63 on the axial plane; choose one inside"``.
            Holds no patient identifiers and no server paths beyond what the user typed.

    The command line prints the message and exits with 2; the server answers 4xx with code and message.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
