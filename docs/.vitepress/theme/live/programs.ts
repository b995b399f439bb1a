/** The programs that a reader finds in the editor. `test/docs/live.test.ts` runs each. */
export const programs: readonly { readonly name: string; readonly source: string }[] = [
  {
    name: "Eight schools, by NUTS",
    source: `import { HalfCauchy, model, Normal, nuts, summary, summaryText, tensor } from "tightbound/browser";

const effects = tensor([28, 8, -3, 7, -1, 1, 18, 12]);
const errors = tensor([15, 10, 16, 11, 9, 11, 10, 18]);

const schools = model(({ sample, observe, plate }) => {
  const mu = sample("mu", Normal(0, 5));
  const tau = sample("tau", HalfCauchy(5));
  plate("school", 8, () => {
    const z = sample("z", Normal(0, 1));
    observe("y", Normal(mu.add(z.mul(tau)), errors), effects);
  });
});

const run = await nuts(schools).run([], { chains: 4, draws: 1000, seed: 0, targetAcceptance: 0.95 });
console.log(summaryText(summary(run)));
`,
  },
  {
    name: "A guide, and whether to trust it",
    source: `import { autoNormal, importance, model, Normal, svi, tensor } from "tightbound/browser";

const y = tensor([1.2, 0.3, 2.1, -0.4, 1.5]);
const mean = model(({ sample, observe, plate }) => {
  const mu = sample("mu", Normal(0, 1));
  plate("data", 5, () => observe("y", Normal(mu, 1), y));
});

const guide = autoNormal(mean);
const { parameters, elbo } = await svi(mean, guide).run([], { steps: 2000, seed: 0 });
console.log("elbo", elbo.slice(-200).reduce((a, b) => a + b) / 200);

// The posterior is a normal, so the bound is tight: the log evidence is the elbo.
const { trusted, paretoK, logEvidence } = await importance(mean, guide, [], { parameters, draws: 1000, seed: 0 });
console.log("log evidence", logEvidence, "k-hat", paretoK, trusted ? "trusted" : "not trusted");
`,
  },
  {
    name: "A mixture, its classes summed out",
    source: `import { Categorical, Dirichlet, model, Normal, nuts, summary, summaryText, tensor } from "tightbound/browser";
import { gather } from "tightbound/tensor";

const x = [-2.1, -1.8, -2.4, -1.9, 0.9, 1.2, 1.4, 0.7, 1.1, 1.3];

const mixture = model(({ sample, observe, plate }) => {
  const share = sample("share", Dirichlet(tensor([2, 2])));
  const loc = sample("loc", Normal(tensor([-1, 1]), 1).toEvent(1));
  plate("row", x.length, () => {
    const k = sample("k", Categorical({ probs: share }));
    observe("x", Normal(gather(loc, k), 0.5), tensor(x));
  });
});

const run = await nuts(mixture).run([], { chains: 4, draws: 1000, seed: 0 });
console.log(summaryText(summary(run)));
`,
  },
];
