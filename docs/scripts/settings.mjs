// The settings of each kind of model, from their declarations: needs `npm run build` before.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const docs = join(import.meta.dirname, "..");
const built = (path) => import(pathToFileURL(join(docs, "..", "dist", path)).href);
const { declarations, flagsOf } = await built("kinds/index.js");
const { defaultText } = await built("cli/flags.js");

const plain = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("|", "\\|").replaceAll("*", "\\*");

const lines = [
  "# Settings of each kind of model",
  "",
  "Made from the declarations that the command line, `config.json` and its checks are made from. The flag is what `tightbound train` takes; the name is where",
  "the setting is in `config.json`. In the library, `train(model, data, { … })` takes those that begin with `train.` under the rest of their name.",
  "",
];
for (const declaration of declarations) {
  const { name, summary, verbs } = declaration;
  lines.push(`## ${name}`, "", `${plain(summary)}.`, "");
  const had = Object.keys(verbs).map((verb) => `\`${verb}\``);
  if (had.length > 0)
    lines.push(`Verbs beside \`train\`, \`evaluate\` and \`report\`: ${had.join(", ")}.`, "");
  lines.push("| flag | name | meaning | default |", "| --- | --- | --- | --- |");
  for (const { flag, path, setting } of flagsOf(declaration)) {
    const { choices } = setting.value;
    const said = `${setting.options.help ?? ""}${choices ? `: ${choices.join(", ")}` : ""}`;
    lines.push(`| \`${flag}\` | \`${path}\` | ${plain(said)} | ${plain(defaultText(setting) ?? "")} |`);
  }
  lines.push("");
}
writeFileSync(join(docs, "api", "settings.md"), lines.join("\n"));
console.log(`settings: ${declarations.length} kinds`);
