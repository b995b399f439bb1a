/** The page before its script runs. The script inserts everything that comes from data, as text. */
import { createHash } from "node:crypto";

const MODULES = JSON.stringify({
  imports: { preact: "/assets/preact.js", "preact/hooks": "/assets/hooks.js" },
});

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --line: #d5dae0; --paper: #fff; --raised: #f5f7f9; --accent: #0b62d6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebef; --soft: #a0a9b4; --line: #3a424c; --paper: #14181d; --raised: #1d232a; --accent: #6aa8ff; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
header { display: flex; flex-wrap: wrap; gap: .3rem 1rem; align-items: baseline; padding: .6rem 1rem; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.05rem; margin: 0; } h2 { font-size: 1rem; } h3 { font-size: .95rem; margin: 1rem 0 .3rem; }
nav { display: flex; flex-wrap: wrap; gap: .2rem; }
main { padding: 1rem; max-width: 60rem; margin: 0 auto; }
button, input, select, summary { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .35rem .7rem; }
button, select, summary { cursor: pointer; } summary { display: inline-block; } button[aria-current=page] { border-color: var(--accent); color: var(--accent); }
button:focus-visible, input:focus-visible, select:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
button:disabled { opacity: .5; cursor: default; }
.classes { display: flex; flex-wrap: wrap; gap: .4rem; margin: .8rem 0; }
kbd { font: .8rem ui-monospace, monospace; border: 1px solid var(--line); border-radius: 4px; padding: 0 .3rem; color: var(--soft); }
.picture { width: min(60vw, 240px); image-rendering: pixelated; border: 1px solid var(--line); border-radius: 6px; background: #888; display: block; }
.small { width: 56px; }
.soft { color: var(--soft); } .problem { color: #c0362c; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top; overflow-wrap: anywhere; } td { white-space: nowrap; } button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); }
.bar { display: inline-block; height: .6rem; background: var(--accent); border-radius: 3px; }
canvas { width: 100%; height: min(65vh, 520px); border: 1px solid var(--line); border-radius: 6px; touch-action: none; display: block; }
.map { position: relative; } .card { position: absolute; z-index: 1; max-width: 18rem; padding: .5rem .7rem; pointer-events: none; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; box-shadow: 0 2px 8px rgb(0 0 0 / .25); } .card .picture { width: 84px; }
.legend { display: flex; flex-wrap: wrap; } .legend i { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; } .legend span { overflow-wrap: anywhere; margin-right: .6rem; }
.spread { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
.controls { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; margin: .8rem 0; } .controls .classes { margin: 0; }
.counts { list-style: none; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; } .counts li { overflow-wrap: anywhere; }
figure { margin: 0; } figcaption { font-size: .9rem; } .as { gap: .8rem 1rem; } .drawn { width: 84px; }
select { max-width: 100%; }
.curve { width: min(100%, 420px); display: block; } .curve text { font-size: 11px; fill: var(--soft); } .band { fill: var(--accent); opacity: .18; } .line { fill: none; stroke: var(--accent); stroke-width: 2; }
[hidden] { display: none; }
`;

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Studio</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<script type="importmap">${MODULES}</script>
<script type="module" src="/assets/main.js"></script>
</head>
<body><div id="root"></div></body>
</html>
`;

/** The HTML, and the hash that allows its import map in the content security policy. */
export const shell = { html, hash: createHash("sha256").update(MODULES).digest("base64") } as const;
