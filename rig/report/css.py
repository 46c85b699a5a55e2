"""The page's style: one column, as wide as A4 prints; black on white, nothing fetched."""

from __future__ import annotations

from typing import Final

CSS: Final = """
:root { color-scheme: light; --ink: #1c1c1a; --faint: #5c5c57; --line: #d6d6d2; --wash: #f5f5f2;
  --warn: #8f4a00; }
* { box-sizing: border-box; }
html { background: #ffffff; }
body { margin: 0 auto; max-width: 56rem; padding: 2rem 1.5rem 4rem; color: var(--ink); background: #ffffff;
  font: 0.97rem/1.5 -apple-system, "Segoe UI", "Helvetica Neue", Helvetica, Arial, "Liberation Sans",
  "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
h1 { font-size: 1.9rem; line-height: 1.15; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 3rem 0 0.75rem; padding-top: 0.6rem;
  border-top: 2px solid var(--ink); }
h3 { font-size: 1.02rem; line-height: 1.3; margin: 0 0 0.5rem; }
p { margin: 0 0 0.6rem; max-width: 46rem; }
.under { color: var(--faint); margin: 0.35rem 0 0; }
.ended { display: inline-block; margin: 0.9rem 0 0; padding: 0.2rem 0.65rem; border: 1px solid var(--line);
  border-radius: 0.2rem; }
.ended.bad { border-color: var(--warn); color: var(--warn); font-weight: 600; }
.key { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: 0.8rem 1.2rem;
  margin: 1.6rem 0; padding: 1rem 0; border-top: 1px solid var(--line);
  border-bottom: 1px solid var(--line); }
.key dt { color: var(--faint); font-size: 0.8rem; }
.key dd { margin: 0; font-size: 1.2rem; line-height: 1.3; font-weight: 600; }
.key small { display: block; font-size: 0.78rem; font-weight: 400; color: var(--faint); }
table { border-collapse: collapse; margin: 0.4rem 0 1rem; font-size: 0.86rem; line-height: 1.4; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--faint); border-bottom: 1px solid var(--line); }
th, td { padding: 0.22rem 0.9rem 0.22rem 0; vertical-align: top; }
td { border-bottom: 1px solid #ececea; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.level { white-space: nowrap; font-weight: 600; }
.read { border-left: 3px solid var(--ink); padding: 0.1rem 0 0.1rem 1rem; margin: 1rem 0 1.6rem; }
.read ol { margin: 0.3rem 0; padding-left: 1.3rem; max-width: 46rem; }
.read .grid { margin: 0.2rem 0 0.5rem; max-width: 46rem; }
.read h3 { margin-top: 0.7rem; }
.divided { font-size: 0.84rem; margin: 0 0 0.3rem; }
figure { margin: 2.2rem 0 0; padding: 0; break-inside: avoid; page-break-inside: avoid; }
figure svg { display: block; width: 100%; height: auto; margin: 0.2rem 0 0.6rem; overflow: visible; }
figcaption { font-size: 0.9rem; line-height: 1.45; }
figcaption p { margin: 0 0 0.4rem; }
.careful::before { content: "Careful: "; font-weight: 600; color: var(--warn); }
.missing { color: var(--faint); font-style: italic; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(17.5rem, 1fr)); column-gap: 1.8rem;
  margin: 0.5rem 0 0; font-size: 0.84rem; line-height: 1.4; }
.numbers div { display: flex; justify-content: space-between; gap: 0.8rem; padding: 0.1rem 0;
  border-bottom: 1px solid #ececea; }
.numbers div.long { grid-column: 1 / -1; }
.numbers dt { color: var(--faint); }
.numbers dd { margin: 0; text-align: right; }
.grid { margin: 0.6rem 0 0; font-size: 0.84rem; }
.grid th, .grid td { text-align: right; padding: 0.12rem 0 0.12rem 1rem; font-weight: 400; }
.grid th:first-child { text-align: left; padding-left: 0; color: var(--faint); }
.grid tbody th { border-bottom: 1px solid #ececea; }
.absent { margin: 1.6rem 0 0; padding: 0.7rem 1rem; background: var(--wash); border: 1px solid var(--line);
  break-inside: avoid; }
.absent p { margin: 0; }
.absent p + p { margin-top: 0.35rem; }
footer { margin-top: 3rem; padding-top: 0.8rem; border-top: 1px solid var(--line); color: var(--faint);
  font-size: 0.82rem; }
@page { size: A4 portrait; margin: 14mm 15mm 15mm; }
@media print {
  :root { --ink: #000000; --faint: #333333; --line: #999999; --wash: #ffffff; --warn: #000000; }
  html { font-size: 10pt; }
  body { max-width: none; padding: 0; font-size: 9.2pt; line-height: 1.38; }
  h1 { font-size: 19pt; } h2 { font-size: 13pt; margin-top: 1.6rem; }
  h1, h2, h3 { break-after: avoid; page-break-after: avoid; }
  figure { margin-top: 1.3rem; }
  figcaption, .numbers, table, .grid, .absent { font-size: 8.4pt; line-height: 1.34; }
  .numbers { grid-template-columns: repeat(2, 1fr); }
  .key { grid-template-columns: repeat(6, auto); margin: 1rem 0; padding: 0.6rem 0; }
  tr, .key, .read { break-inside: avoid; page-break-inside: avoid; }
  p, td { orphans: 3; widows: 3; }
}
"""
