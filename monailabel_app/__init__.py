"""The MONAI Label app: PRS-Med's questions and answers over MONAI Label's own HTTP routes."""
