"""The smallest build backend (PEP 517): it makes the wheel of greeter.py."""

import os
import zipfile

METADATA = "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: greeter\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "greeter-1.0-py3-none-any.whl"
    info = "greeter-1.0.dist-info"
    with open("greeter.py", encoding="utf-8") as module:
        files = {"greeter.py": module.read(), f"{info}/METADATA": METADATA, f"{info}/WHEEL": WHEEL}
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
