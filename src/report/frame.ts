/** What every report has: a header, cards with figures, settings, and how to reproduce it. */
import { html, raw } from "hono/html";
import { configRows, dateTime } from "./format.ts";
import type { Markup } from "./page.ts";
import type { ReportFrame } from "./types.ts";

export const header = ({ title, subtitle, createdAt, version }: ReportFrame): Markup => html`<header>
<h1>${title}</h1>
${subtitle !== undefined && html`<p class="subtitle">${subtitle}</p>`}
<p class="byline">${dateTime(createdAt)} · Tightbound ${version}</p>
</header>`;

/** One figure, with its meaning. */
export const card = (name: string, value: string, note: string): Markup =>
  html`<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`;

/** Settings as a table of names and values. */
export const settingsTable = (settings: Readonly<Record<string, unknown>>): Markup =>
  html`<table class="rows"><tbody>${configRows(settings).map(
    ([name, value]) => html`<tr><th scope="row">${dotted(name)}</th><td>${value}</td></tr>`,
  )}</tbody></table>`;

/** A path that breaks after its dots. */
const dotted = (path: string): Markup[] =>
  path.split(".").map((part, i) => html`${i > 0 && raw(".<wbr>")}${part}`);

export const reproduction = ({ command, version }: ReportFrame, seed?: unknown): Markup =>
  html`<h2>How to reproduce it</h2>
<pre>${words(command)}</pre>
<p>Every random number is determined by the seed${typeof seed === "number" && html` (here ${seed})`}, the step and the site that draws it. The same command with Tightbound ${version} and the same data gives the same numbers on the same kind of machine; another processor may differ in the last digits.</p>`;

/** A command that only breaks between words, never after the hyphens of an option. */
const words = (command: string): Markup[] =>
  command.split(" ").map((word, i) => html`${i > 0 && " "}<span>${word}</span>`);
