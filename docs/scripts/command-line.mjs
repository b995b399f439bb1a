// The page of the command line, made from what `--help` prints: needs `npm run build` before.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const docs = join(import.meta.dirname, "..");
const main = join(docs, "..", "dist", "cli", "main.js");

function help(...words) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...words, "--help"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`tightbound ${words.join(" ")} --help: ${stderr}`);
  return stdout;
}

/** Entries of a list in help text: a name, two spaces or more, a text that may go on in the next lines. */
function entries(text) {
  const found = [];
  for (const line of text.split("\n")) {
    const start = /^ {2}(\S.*?)(?: {2,}(.*))?$/.exec(line);
    if (start !== null) found.push([start[1], start[2] ?? ""]);
    else if (found.length > 0 && line.trim() !== "") found[found.length - 1][1] += ` ${line.trim()}`;
  }
  return found.map(([name, said]) => [name, said.trim()]);
}

/** The text as Markdown: what looks like a tag, a placeholder or a cell's end is none. */
const plain = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("|", "\\|").replaceAll("*", "\\*");
const table = (heads, rows) => [
  `| ${heads.join(" | ")} |`,
  `| ${heads.map(() => "---").join(" | ")} |`,
  ...rows.map(([name, said]) => `| \`${name.replaceAll("|", "\\|")}\` | ${plain(said)} |`),
  "",
];

/** The sections of a help text: those with a head such as "Options:", and paragraphs between them. */
function sections(text) {
  const parts = [];
  for (const block of text.trimEnd().split(/\n\n/)) {
    const [first, ...rest] = block.split("\n");
    const head = /^([A-Z][\w ]*):$/.exec(first)?.[1];
    parts.push(head === undefined ? { text: block } : { head, text: rest.join("\n") });
  }
  return parts;
}

function write(parts, level) {
  const lines = [];
  for (const { head, text } of parts) {
    if (head === "Options")
      lines.push(
        ...table(
          ["flag", "meaning"],
          entries(text).filter(([name]) => !name.endsWith("--help")),
        ),
      );
    else if (head === "Arguments") lines.push(...table(["argument", "meaning"], entries(text)));
    else if (head === "Examples")
      lines.push("```sh", ...text.split("\n").map((line) => line.replace(/^ *\$ /, "")), "```", "");
    else if (head !== undefined)
      lines.push(`${"#".repeat(level)} ${head}`, "", ...table(["", ""], entries(text)));
    else if (text.startsWith("Usage: ")) lines.push("```sh", text.slice("Usage: ".length), "```", "");
    else lines.push(plain(text.replaceAll("\n", " ")), "");
  }
  return lines;
}

const top = sections(help());
const verbs = entries(top.find(({ head }) => head === "Commands").text)
  .map(([name]) => name.split(" ")[0])
  .filter((verb) => verb !== "help");

const page = [
  "# The command line",
  "",
  "Made from what `tightbound --help`, and `--help` after each verb, print.",
  "",
  ...write(
    top.filter(({ head, text }) => head !== "Commands" && !text.startsWith("Usage")),
    2,
  ),
];
for (const verb of verbs) page.push(`## ${verb}`, "", ...write(sections(help(verb)), 3));
writeFileSync(join(docs, "api", "command-line.md"), page.join("\n"));
console.log(`command line: ${verbs.length} verbs`);
