// The floor of M2's step, `node m2-floor.mjs SHAPE THREADS`: its matrix products and nothing else. A layer makes a product forward, one for
// the gradient of its weights and, unless it reads x, one for the gradient of its input; the ten encodings and decodings of an
// unlabelled row share their products with x. A value stands for its own gradient, so that the chain needs no other work.
import { CLASSES, LATENT, ROWS, SHAPES } from "../lib/m2.mjs";
import { productSession } from "../lib/products.mjs";
import { serve } from "../lib/serve.mjs";
import { versionOf } from "../lib/version.mjs";

const { features, hidden, likelihood } = SHAPES[process.argv[2]];
const threads = Number(process.argv[3]);
const ofWeight = { transA: true };
const ofInput = { transB: true };
const heads = likelihood === "gaussian-heteroscedastic" ? ["out", "logVariance"] : ["out"];
const weights = {
  "discriminator 1": [features, hidden],
  "discriminator 2": [hidden, CLASSES],
  encoder: [features, hidden],
  "encoder mean": [hidden, LATENT],
  "encoder logVariance": [hidden, LATENT],
  decoder: [LATENT, hidden],
  ...Object.fromEntries(heads.map((head) => [`decoder ${head}`, [hidden, features]])),
};

const products = [];
const inputs = { ...weights };
const outputs = {};
/** The latest gradient of each weight: the other minibatch's is added to it. */
const gradients = new Map();
const gradient = (weight, input, output) => {
  const name = `d(${weight})${gradients.size}-${products.length}`;
  const add = gradients.get(weight);
  products.push([name, input, output, { ...ofWeight, ...(add && { add }) }]);
  gradients.set(weight, name);
};

for (const [kind, times] of [
  ["unlabelled", CLASSES],
  ["labelled", 1],
]) {
  const v = (name) => `${name} ${kind}`;
  Object.assign(inputs, {
    [v("x")]: [ROWS, features],
    [v("h")]: [times * ROWS, hidden],
    [v("ones")]: [1, times * ROWS],
  });
  products.push(
    [v("discriminator h"), v("x"), "discriminator 1"],
    [v("logits"), v("discriminator h"), "discriminator 2"],
    [v("discriminator dh"), v("logits"), "discriminator 2", ofInput],
    [v("encoder h"), v("x"), "encoder"],
    [v("mean"), v("h"), "encoder mean"],
    [v("logVariance"), v("h"), "encoder logVariance"],
    [v("g"), v("mean"), "decoder"],
    ...heads.map((head) => [v(`decoded ${head}`), v("g"), `decoder ${head}`]),
    ...heads.map((head, i) => [
      v(`dg ${head}`),
      v(`decoded ${head}`),
      `decoder ${head}`,
      { ...ofInput, ...(i > 0 && { add: v(`dg ${heads[0]}`) }) },
    ]),
    [v("dz"), v(`dg ${heads.at(-1)}`), "decoder", ofInput],
    [v("dh mean"), v("dz"), "encoder mean", ofInput],
    [v("dh"), v("logVariance"), "encoder logVariance", { ...ofInput, add: v("dh mean") }],
    // What nothing else reads stays in the graph as a sum of its rows, the gradient of a bias.
    [v("bias"), v("ones"), v("dh")],
  );
  outputs[v("bias")] = [1, hidden];
  gradient("discriminator 2", v("discriminator h"), v("logits"));
  gradient("discriminator 1", v("x"), v("discriminator dh"));
  gradient("encoder", v("x"), v("encoder h"));
  gradient("encoder mean", v("h"), v("dz"));
  gradient("encoder logVariance", v("h"), v("logVariance"));
  gradient("decoder", v("mean"), v(`dg ${heads.at(-1)}`));
  for (const head of heads) gradient(`decoder ${head}`, v("g"), v(`decoded ${head}`));
}
for (const [weight, name] of gradients) outputs[name] = weights[weight];

const run = await productSession({ products, inputs, outputs, threads });

await serve({
  name: `its ${products.length} matrix products alone`,
  version: versionOf("onnxruntime-node"),
  threads,
  step: async () => {
    await run();
    return null;
  },
});
