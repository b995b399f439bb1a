// `npm run gallery [-- NAME …]`: runs the examples whose pictures docs/gallery.md shows, or those named, and writes their pictures.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const page = readFileSync("docs/gallery.md", "utf8");
const pictures = new Map(
  [...page.matchAll(/\]\((images\/([a-z0-9-]+)\.(?:svg|png))\)/g)].map(([, path, name]) => [
    name,
    `docs/${path}`,
  ]),
);
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !pictures.has(name));
if (unknown !== undefined) {
  console.error(`no picture '${unknown}'; there are ${[...pictures.keys()].join(", ")}`);
  process.exit(2);
}
const { status } = spawnSync("npx", ["tsc", "-p", "tsconfig.examples.json"], { stdio: "inherit" });
if (status !== 0) process.exit(1);
for (const name of asked.length > 0 ? asked : pictures.keys()) {
  console.log(`\n# ${name}`);
  const { main } = await import(`../dist-examples/examples/${name}.js`);
  await main([pictures.get(name)]);
}
