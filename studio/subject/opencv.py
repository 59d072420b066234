"""OpenCV, which comes with the extra `studio`."""

import importlib
from types import ModuleType

from nst_core.errors import ConfigError


def load_opencv() -> ModuleType:
    """The module cv2.

    Raises:
        ConfigError: It is not installed, or it is one without the face detection by Haar cascades.
    """
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:
        raise ConfigError("this needs OpenCV; in the folder of Impasto, run: pip install '.[studio]'") from error
    if not hasattr(cv2, "CascadeClassifier") or not hasattr(cv2, "data"):
        raise ConfigError(f"OpenCV {cv2.__version__} does not find faces; run: pip install 'opencv-python<5'")
    return cv2
