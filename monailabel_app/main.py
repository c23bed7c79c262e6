"""Where `monailabel start_server --app monailabel_app` looks for the app class."""

from monailabel_app.app import PRSMedApp  # noqa: F401
