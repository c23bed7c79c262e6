"""Which server, and whether it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer

from PRSMedLib.i18n import tr as _
from PRSMedLib.jobs import Job
from PRSMedLib.problem import Problem
from PRSMedLib.server import Server, ServerInfo
from PRSMedPanel import preferences

if TYPE_CHECKING:
    from PRSMed import PRSMedWidget


class ServerSection:
    """Address, key, and a button that tells in plain words why there is no connection."""

    def __init__(self, panel: PRSMedWidget) -> None:
        self._panel, self._ui = panel, panel.ui
        self._job: Job[ServerInfo] | None = None
        self._ui.addressLineEdit.text = preferences.address()
        self._ui.tokenLineEdit.text = preferences.token(preferences.address())
        self._ui.connectButton.connect("clicked()", self.connectToServer)
        self._ui.addressLineEdit.connect("returnPressed()", self.connectToServer)
        self._ui.tokenLineEdit.connect("returnPressed()", self.connectToServer)
        self._ui.forgetButton.connect("clicked()", self.forget)

    def connectAgain(self) -> None:
        """Connect to the server used last, if nothing was tried yet; the first time is the user's to begin."""
        if self._job is None and preferences.hasServer():
            self.connectToServer()

    def forget(self) -> None:
        """Forget the key for the server, and the consent to send images there."""
        try:
            preferences.forget(Server(self._ui.addressLineEdit.text))
        except Problem as problem:
            self._show(problem.message)
            return
        self._ui.tokenLineEdit.text = ""
        self._panel.disconnectFromServer()
        self._show(_("Forgotten: the key for this server, and that images may be sent there."))

    def connectToServer(self) -> None:
        """Find out what answers at the address; returns at once."""
        if self._job is not None:
            self._job.cancel()
        self._panel.disconnectFromServer()
        try:
            server = self._server()
        except Problem as problem:
            self._show(problem.message)
            return
        token = self._ui.tokenLineEdit.text
        self._show(_("Connecting to {0} ...").format(server.address))
        self._job = Job(
            lambda job: server.connect(),
            lambda info: self._connected(server, token, info),
            lambda problem: self._show(problem.message),
        )
        self._panel.tasks.start(self._job)

    def _server(self) -> Server:
        """The server that was typed; with the key used there before, when it is another than the last one."""
        server = Server(self._ui.addressLineEdit.text, self._ui.tokenLineEdit.text)
        self._ui.addressLineEdit.text = server.address
        known = preferences.token(server.address)
        if known and not self._ui.tokenLineEdit.text and server.address != preferences.address():
            self._ui.tokenLineEdit.text = known
            return Server(server.address, known)
        return server

    def _connected(self, server: Server, token: str, info: ServerInfo) -> None:
        preferences.keepServer(server, token)
        self._show(_words(info))
        self._panel.connectedTo(server, info)

    def askModelAgain(self) -> None:
        """The server may have another model by now."""
        server = self._panel.logic.consultation.server
        if server is not None:
            job = Job(
                lambda job: server.connect(),
                lambda info: self._told(server, info),
                lambda problem: self._show(problem.message),
            )
            self._panel.tasks.start(job)

    def _told(self, server: Server, info: ServerInfo) -> None:
        if self._panel.logic.consultation.server is server:
            self._panel.logic.consultation.info = info
            self._show(_words(info))

    def _show(self, text: str) -> None:
        self._ui.serverStatusLabel.text = text
        slicer.util.showStatusMessage(text, 3000)


def _words(info: ServerInfo) -> str:
    told = _("Connected to {0}.").format(info.name)
    if info.model:
        told += " " + _("Model {0}.").format(info.model)
    if not info.canStream:
        told += " " + _("It answers in one piece, without a line: MONAI Label's plain server.")
    return told
