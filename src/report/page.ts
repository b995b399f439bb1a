import { html, raw } from "hono/html";
import type { EncodedImage } from "./image-grid.ts";
import { themeCss } from "./theme.ts";

/** Escaped markup, or a promise of it: what the `html` template returns and accepts. */
export type Markup = ReturnType<typeof html>;

/** The frame of a page: one file with its styles, nothing to fetch and no scripts. */
export const page = async (title: string, body: Markup): Promise<string> => {
  const markup = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${raw(CSS)}</style>
</head>
<body>
<main>${body}</main>
</body>
</html>
`;
  return markup.toString();
};

/** A figure with its number and a caption that says how to read it. */
export const figure = (content: Markup | readonly Markup[], caption: Markup | string): Markup =>
  html`<figure>${content}<figcaption>${caption}</figcaption></figure>`;

/** A figure for a page as wide as a desk's, and the same for a phone, whose text stays large enough to read. */
export const forScreens = async (draw: (width: number) => Promise<string>): Promise<Markup> =>
  html`<div class="wide">${raw(await draw(WIDE))}</div><div class="narrow">${raw(await draw(NARROW))}</div>`;

/** Widths of figures in pixels: of the text column, and of that of a phone. */
const WIDE = 720;
const NARROW = 350;

/** An image embedded in the page. */
export const picture = ({ png, width, height }: EncodedImage, alt: string): Markup =>
  html`<img src="data:image/png;base64,${Buffer.from(png).toString("base64")}" width="${width}" height="${height}" alt="${alt}">`;

const CSS = `
${themeCss(":root")}
html { font-size: 17px; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 "Iowan Old Style", "Palatino Linotype", Palatino, "Source Serif 4", "Noto Serif", Georgia, serif;
  font-variant-numeric: oldstyle-nums; text-rendering: optimizeLegibility;
}
main { max-width: 45rem; margin: 0 auto; padding: 4.5rem 1.5rem 6rem; }
h1 { font-size: 2.1rem; font-weight: 500; line-height: 1.15; letter-spacing: -.01em; margin: 0; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; font-weight: 600; line-height: 1.3; margin: 3.6rem 0 .5rem; }
p { margin: .6rem 0; hanging-punctuation: first; text-wrap: pretty; }
.subtitle { font-size: 1.15rem; font-style: italic; color: var(--muted); margin: .35rem 0 0; overflow-wrap: anywhere; }
.byline { color: var(--muted); font-size: .85rem; margin: 1rem 0 0; }
.abstract { margin: 2rem 0 0; font-size: 1.06rem; }
.note, .reason { color: var(--muted); font-size: .92rem; }
a { color: inherit; }

dl.figures {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(9.2rem, 1fr)); gap: 0 1.6rem; margin: 2.2rem 0 0;
  border-bottom: 1px solid var(--hairline);
}
dl.figures > div { border-top: 1px solid var(--hairline); padding: .8rem 0 .9rem; }
dl.figures dt { color: var(--muted); font-size: .85rem; line-height: 1.35; }
dl.figures dd { margin: .1rem 0 0; font-size: 1.65rem; line-height: 1.2; font-variant-numeric: lining-nums; white-space: nowrap; }
dl.figures dd small { display: block; color: var(--muted); font-size: .8rem; line-height: 1.35; white-space: normal; font-variant-numeric: oldstyle-nums; }

figure { margin: 1.5rem 0 0; counter-increment: figure; }
figcaption { color: var(--muted); font-size: .88rem; line-height: 1.5; margin-top: .8rem; max-width: 40rem; text-wrap: pretty; }
figcaption::before { content: "Figure " counter(figure) ". "; color: var(--ink); font-weight: 600; }
figure .tb-figure { width: 100%; }
figure img { display: block; width: 100%; height: auto; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1.4rem 1.1rem; }
.stacked { display: grid; gap: 1rem; }
.band { display: grid; grid-template-columns: 6.6rem 1fr; gap: .3rem .6rem; align-items: center; margin-bottom: 1.1rem; }
.band span { color: var(--muted); font-size: .85rem; text-align: right; }
.strips { grid-template-columns: fit-content(6.6rem) 1fr; row-gap: .3rem; }
.strips span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1.4rem 1.1rem; }
ul.cells { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(4.8rem, 1fr)); gap: 1rem .8rem; }
ul.cells span { display: block; margin-top: .25rem; font-size: .9rem; line-height: 1.3; text-align: center; overflow-wrap: anywhere; font-variant-numeric: lining-nums; }
ul.cells small { color: var(--muted); font-size: .8rem; }
.wrong, ul.cells small.wrong { color: var(--extra); font-weight: 600; }
.scroll { overflow-x: auto; }
.narrow { display: none; }
.sprite { position: absolute; }
.dot { display: inline-block; width: .65em; height: .65em; border-radius: 50%; }
ul.runs { list-style: none; margin: .8rem 0; padding: 0; overflow-wrap: anywhere; }
ul.runs small { display: block; color: var(--muted); margin-left: 1.1em; }
ul.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .88rem; }

table.rows { margin-top: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th { font-weight: 400; color: var(--muted); text-align: left; }
td, th { padding: .34rem .5rem .34rem 0; vertical-align: baseline; border-top: 1px solid var(--hairline); }
table.rows tr:last-child > * { border-bottom: 1px solid var(--hairline); }
table.rows th { width: 40%; overflow-wrap: anywhere; }
table.rows td { font-variant-numeric: lining-nums; overflow-wrap: anywhere; }
table.numbers td, table.numbers th { text-align: right; font-variant-numeric: tabular-nums lining-nums; white-space: nowrap; }
table.numbers thead th { border-top: 0; }
table.unsure thead th { white-space: normal; vertical-align: bottom; }
table.named th:first-child, table.named thead th:first-child { text-align: left; padding-right: 1rem; }
table.named thead th { white-space: normal; vertical-align: bottom; }
table.named th[colspan] { padding-bottom: 0; text-align: center; }
table.pairs tr.again td { border-top: 0; padding-top: 0; color: var(--muted); font-style: italic; }
table.named small { color: var(--muted); }
table.traversal { table-layout: fixed; }
table.traversal th, table.traversal td { border: 0; padding: 1px; vertical-align: middle; font-size: .8rem; line-height: 1.25; font-variant-numeric: tabular-nums lining-nums; }
table.traversal thead th { text-align: center; padding-bottom: .3rem; }
table.traversal th:first-child { width: 4.2rem; text-align: right; padding-right: .6rem; }
table.traversal thead th { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
table.analogies th:first-child { width: auto; text-align: center; padding-right: 1px; overflow: visible; text-overflow: clip; }
table.analogies .gap { width: .5rem; }
table.traversal th sub { font-size: .75em; line-height: 0; }

pre { background: var(--code); padding: .9rem 1.1rem; margin: 1rem 0; font: .82rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre span { display: inline-block; max-width: 100%; }
details { margin-top: 1.2rem; font-size: .92rem; }
summary { color: var(--muted); cursor: pointer; }
details .scroll { margin-top: .7rem; }

@media (max-width: 34rem) {
  .wide { display: none; }
  .narrow { display: block; }
  html { font-size: 16px; }
  main { padding: 2.5rem 1.1rem 4rem; }
  .band:not(.strips) { grid-template-columns: 1fr; }
  .band:not(.strips) span { text-align: left; }
  table.traversal th:first-child { width: 2.2rem; padding-right: .3rem; }
  table.traversal th small { display: block; }
}
@media print {
  .wide { display: block; }
  .narrow { display: none; }
  @page { margin: 18mm; }
  html { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  figure, .band, tr { break-inside: avoid; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
