// `npm run example -- NAME …`: compiles examples/ and runs one of them.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

const [name, ...args] = process.argv.slice(2);
const names = readdirSync("examples")
  .filter((file) => file.endsWith(".ts") && file !== "table.ts")
  .map((file) => file.slice(0, -3));
if (name === undefined || !existsSync(`examples/${name}.ts`)) {
  console.error(`usage: npm run example -- NAME\n\nNAME is one of ${names.join(", ")}`);
  process.exit(2);
}
const { status } = spawnSync("npx", ["tsc", "-p", "tsconfig.examples.json"], { stdio: "inherit" });
if (status !== 0) process.exit(1);
const { main } = await import(`../dist-examples/examples/${name}.js`);
await main(args);
