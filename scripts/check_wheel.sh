#!/bin/sh
# Build the wheel, unpack it away from the checkout, and use it there: help, a new lab, a tiny demo.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python="$here/.venv/bin/python"
if command -v uv >/dev/null 2>&1; then
  uv build --quiet --wheel --out-dir "$work/dist" "$here"
else
  "$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/dist" "$here"
fi
"$python" -m zipfile -e "$work"/dist/*.whl "$work/site"
for needed in report/templates store/sql sources/mappings policy/columns.yaml _data/policies _data/gates _data/sample _data/operations.yaml _data/launch.yaml _data/templates _data/starters _data/notebooks sources/mappings/zendesk/tickets.sql py.typed; do
  [ -e "$work/site/triage_lab/$needed" ] || { echo "the wheel lacks triage_lab/$needed" >&2; exit 1; }
done
cd "$work"
PYTHONPATH="$work/site" "$python" - "$work/site" <<'PY'
import sys
import triage_lab
if not triage_lab.__file__.startswith(sys.argv[1]):
    raise SystemExit(f"tested the wrong package: {triage_lab.__file__}")
PY
PYTHONPATH="$work/site" "$python" -m triage_lab demo "$work/demo" --tickets 1000 --quiet
ls "$work"/demo/reports/*/scorecard.html >/dev/null
echo "wheel ok: $(ls "$work/dist")"
