#!/bin/sh
# Make the virtual environment VENV with the extras EXTRAS of this checkout, at the versions of constraints.txt.
# Uses uv where there is one, else venv and pip. Usage: environment.sh VENV EXTRAS
set -eu
venv=$1
extras=$2

supported() { "$1" -c 'import sys; raise SystemExit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))' 2>/dev/null; }

python=""
for name in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
  if command -v "$name" >/dev/null 2>&1 && supported "$name"; then python=$name; break; fi
done
if [ -z "$python" ]; then
  if command -v uv >/dev/null 2>&1; then
    python=3.12
  else
    echo "triage_lab needs Python 3.11, 3.12 or 3.13; none was found." >&2
    echo "next: install one (Debian and Ubuntu: sudo apt install python3.11 python3.11-venv; macOS: brew install python@3.12)" >&2
    echo "      or name one: make demo PYTHON=/path/to/python3.12" >&2
    exit 3
  fi
fi

if [ -x "$venv/bin/python" ] && ! supported "$venv/bin/python"; then rm -rf "$venv"; fi

if command -v uv >/dev/null 2>&1; then
  [ -x "$venv/bin/python" ] || uv venv --quiet --python "$python" "$venv"
  echo "installing triage_lab with [$extras] through uv ..."
  UV_COMPILE_BYTECODE=1 VIRTUAL_ENV=$venv uv pip install --quiet --python "$venv/bin/python" -c constraints.txt -e ".[$extras]"
else
  if [ ! -x "$venv/bin/pip" ]; then
    rm -rf "$venv"
    if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
      rm -rf "$venv"
      version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
      echo "Python $version is here, but its venv module is not." >&2
      echo "next: sudo apt install python$version-venv   (Debian and Ubuntu; other systems: install the venv package of Python $version)" >&2
      exit 3
    fi
  fi
  echo "installing triage_lab with [$extras] through pip; about a minute and a half ..."
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$extras]"
fi
