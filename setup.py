"""What pyproject.toml cannot say: a wheel brings the C libraries, built for several processors.

Without a compiler, or with SEQ2POINT_WHEEL=pure, the wheel is pure Python: it goes to any machine,
and compiles at the first use where it finds a compiler. An editable installation builds nothing.
"""

import os
import re
import shutil
import subprocess
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

PACKAGE = Path(__file__).resolve().parent / "src" / "seq2point"
SPEC = spec_from_file_location("c_compiler", PACKAGE / "system" / "c_compiler.py")
c_compiler = module_from_spec(SPEC)
SPEC.loader.exec_module(c_compiler)
GLIBC = re.compile(rb"\0GLIBC_(\d+)\.(\d+)")


class BuildWithLibraries(build_py):
    """Copies the package, and builds its C libraries beside it."""

    def run(self) -> None:
        """Copy the package and build."""
        super().run()
        folder = Path(self.build_lib) / "seq2point" / c_compiler.FOLDER
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier build
        compiler = c_compiler.find_compiler()
        pure = os.environ.get("SEQ2POINT_WHEEL") == "pure" or os.name != "posix"
        if self.editable_mode or pure or compiler is None:
            return
        try:
            c_compiler.build_package(compiler, PACKAGE, folder)
        except (OSError, subprocess.SubprocessError) as error:
            self.warn(f"the wheel brings no C libraries: {getattr(error, 'stderr', '') or error}")
            shutil.rmtree(folder, ignore_errors=True)


class PlatformWheel(bdist_wheel):
    """Packs a wheel, for one platform where it brings libraries, and for any Python 3."""

    def run(self) -> None:
        """Build first: what could be built decides what kind of wheel this is."""
        self.run_command("build")
        folder = Path(self.get_finalized_command("build").build_lib) / "seq2point"
        self.libraries = [*(folder / c_compiler.FOLDER).glob("*.so")]
        self.root_is_pure = not self.libraries
        self.distribution.has_ext_modules = lambda: not self.root_is_pure
        super().run()

    def get_tag(self) -> tuple[str, str, str]:
        """Return the wheel's tag."""
        *_, platform = super().get_tag()
        if not self.root_is_pure and platform.startswith("linux_"):
            found = [GLIBC.findall(path.read_bytes()) for path in self.libraries]
            needed = [(int(major), int(minor)) for each in found for major, minor in each]
            if needed:  # PEP 600: the oldest glibc that has all that the libraries call
                platform = platform.replace("linux", "manylinux_{}_{}".format(*max(needed)), 1)
        return self.python_tag, "none", platform


setup(cmdclass={"build_py": BuildWithLibraries, "bdist_wheel": PlatformWheel})
