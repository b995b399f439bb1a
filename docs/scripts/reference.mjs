// The reference's front pages, in the order of `reference/order.json`, and its sidebar. Run after TypeDoc, on the pages that it wrote.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const docs = join(import.meta.dirname, "..");
const api = resolve(docs, process.argv[2] ?? "api");
const order = JSON.parse(readFileSync(join(docs, "reference", "order.json"), "utf8"));

/** Every documented name: where its page is, and its docstring's first paragraph, as the index of its module has them. */
const names = new Map();
const pages = [];
const modules = readdirSync(api, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.name === "index.md" && entry.parentPath !== api)
  .map((entry) => entry.parentPath.slice(api.length + 1))
  .filter(
    (module) => !/(^|\/)(functions|classes|interfaces|namespaces|variables|type-aliases)(\/|$)/.test(module),
  )
  .sort();
for (const module of modules) {
  const index = readFileSync(join(api, module, "index.md"), "utf8");
  const door = module.replaceAll("\\", "/");
  for (const [, escaped, path, said] of index.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \| (.*) \|$/gm)) {
    const name = escaped.replaceAll("\\_", "_");
    const file = join(api, module, path);
    if (/^\w+$/.test(name) && existsSync(file)) pages.push({ file, name, door });
    const url = (target) => join("/api", module, target).replace(/\.md$/, "");
    const page = {
      name,
      url: url(path),
      said: said.replaceAll(/\]\(([^):]+\.md)\)/g, (_, target) => `](${url(target)})`),
    };
    // A function's page is the better one to show where an interface shares its name.
    if (!names.has(name) || path.startsWith("functions/")) names.set(name, page);
  }
}

const unknown = order
  .flatMap(({ groups }) => Object.values(groups).flat())
  .filter((name) => !names.has(name));
if (unknown.length > 0) {
  console.error(`docs/reference/order.json lists names that have no page: ${unknown.join(", ")}`);
  process.exit(1);
}

const subjects = order.map(({ slug, title, text, groups }) => {
  const lines = [`# ${title}`, "", text, ""];
  for (const [group, listed] of Object.entries(groups)) {
    lines.push(`## ${group}`, "", "| name | what it is |", "| --- | --- |");
    for (const name of listed) {
      const { url, said } = names.get(name);
      lines.push(`| [\`${name}\`](${url}) | ${said} |`);
    }
    lines.push("");
  }
  mkdirSync(join(api, "by-subject"), { recursive: true });
  writeFileSync(join(api, "by-subject", `${slug}.md`), lines.join("\n"));
  return { text: title, link: `/api/by-subject/${slug}` };
});

/** The names of a door whose pages are another door's: a section each from TypeDoc, here one table like the rest. */
const shared = new Map();
for (const module of modules) {
  const file = join(api, module, "index.md");
  const text = readFileSync(file, "utf8");
  const [own, references] = text.split("\n## References\n");
  if (references === undefined) continue;
  const listed = [...references.matchAll(/^### (\S+)$/gm)].map(([, name]) => name.replaceAll("\\_", "_"));
  shared.set(module, new Set(listed));
  if (listed.some((name) => !names.has(name))) continue;
  const rows = listed.map((name) => `| [\`${name}\`](${names.get(name).url}) | ${names.get(name).said} |`);
  const table = [
    "## Names that are in another door too",
    "",
    "| Name | Description |",
    "| --- | --- |",
    ...rows,
    "",
  ];
  writeFileSync(file, `${own}\n${table.join("\n")}`);
}
const first = shared.get("tightbound") ?? new Set();

/** Each name's page says from where the name is imported. */
for (const { file, name, door } of pages) {
  const text = readFileSync(file, "utf8");
  const also = first.has(name) && door !== "tightbound";
  const line = also
    ? `\`import { ${name} } from "tightbound";\` or from \`"${door}"\``
    : `\`import { ${name} } from "${door}";\``;
  if (!text.includes(line))
    writeFileSync(
      file,
      text.replace(/^# .*\n/m, (heading) => `${heading}\n${line}\n`),
    );
}

const sidebar = [
  { text: "Reference", link: "/reference/" },
  { text: "The command line", link: "/api/command-line" },
  { text: "Settings of each kind", link: "/api/settings" },
  { text: "By subject", items: subjects },
  {
    text: "Every name, by door",
    items: modules.map((module) => ({ text: module, link: `/api/${module}/` })),
  },
];
writeFileSync(join(api, "sidebar.json"), JSON.stringify(sidebar, null, 2));
console.log(`reference: ${names.size} names, ${subjects.length} subjects`);
