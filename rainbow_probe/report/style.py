"""The look of the HTML report: no script, no picture, no font from elsewhere; light, dark and on paper."""

from __future__ import annotations

from typing import Final

CSS: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #888; --good: #187a2f; --bad: #b3141d; --warn: #8a5a00;
  --open: #7a3ea8; --back: #fff; --box: #8881; }
@media (prefers-color-scheme: dark) { :root { --good: #5fd07a; --bad: #ff7b7b; --warn: #f0b429; --open: #cf9bff;
  --back: #16181c; } }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1.5rem;
  background: var(--back); }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; } p { margin: .3rem 0; }
header { border-left: .5rem solid var(--soft); padding: .6rem 1rem; background: var(--box); }
header.pass { border-color: var(--good); } header.fail { border-color: var(--bad); }
header.degraded { border-color: var(--warn); } header.inconclusive { border-color: var(--open); }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; color: var(--soft); }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; } td > code { white-space: nowrap; }
td:first-child { white-space: nowrap; } .mark { font-weight: 600; white-space: nowrap; }
.mark.pass { color: var(--good); } .mark.fail, .mark.blocking { color: var(--bad); }
.mark.degraded, .mark.degrading { color: var(--warn); } .mark.inconclusive { color: var(--open); }
.mark.not-tested, .mark.not-applicable, .mark.skipped, .soft { color: var(--soft); font-weight: 400; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .4rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
section.finding { border: 1px solid var(--line); border-left: .4rem solid var(--soft); padding: .6rem 1rem;
  margin: .8rem 0; }
section.blocking { border-left-color: var(--bad); } section.degrading { border-left-color: var(--warn); }
section.finding h3 { margin-top: 0; } a { color: inherit; }
pre { background: var(--box); padding: .7rem; margin: .3rem 0; overflow-x: auto; user-select: all; }
code, pre { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
details { border-bottom: 1px solid var(--line); padding: .3rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
@media print { body { max-width: none; } pre { white-space: pre-wrap; } section.finding { break-inside: avoid; } }
"""
