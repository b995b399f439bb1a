import { expect, test } from "vitest";
import { declarationOf } from "../../src/kinds/index.ts";
import { at, defaultsOf as defaultsOfTable } from "../../src/kinds/settings/setting.ts";
import { factsOf } from "../../src/runs/new-run.ts";
import { bars } from "../runs/toys.ts";

const defaultsOf = (name: string, rows: number, table: boolean) =>
  defaultsOfTable(declarationOf(name).settings, { rows, table, labels: 100 });

test("the paper's weight of the classification term on its 50,000 rows, and more on fewer", () => {
  const alpha = (rows: number) => at(defaultsOf("m2", rows, false), "train.alpha");
  expect([60_000, 50_000, 10_000, 5000, 300].map(alpha)).toEqual([0.1, 0.1, 0.5, 1, 1]);
});

test("in pictures with colours a label counts a hundred times as much; codes of them have none", () => {
  const { shape, x, ...rest } = bars(20);
  const colour = { ...rest, shape: [4, 1, 3], x };
  expect(factsOf({ ...rest, shape, x }, false)).toMatchObject({ colour: false });
  const facts = { ...factsOf(colour, false), rows: 2000, labels: 60 };
  expect(at(defaultsOfTable(declarationOf("m2").settings, facts), "train.alpha")).toBe(100);
  expect(at(defaultsOfTable(declarationOf("m1m2").settings, facts), "train.alpha")).toBe(1);
});

test("M2 learns images at the rate at which it learns what y is for, whatever their number", () => {
  for (const rows of [60_000, 900]) {
    expect(defaultsOf("m2", rows, false)).toMatchObject({
      model: { activation: "relu" },
      train: { lr: 3e-3 },
    });
  }
  expect(defaultsOf("m2", 344, true)).toMatchObject({
    model: { activation: "softplus" },
    train: { lr: 3e-3 },
  });
});

test("wide tables learn at a rate at which no step moves a layer's outputs by more than 3", () => {
  const rate = (name: string, features: number) => {
    const facts = { rows: 3, table: true, labels: 2, features };
    return defaultsOfTable(declarationOf(name).settings, facts);
  };
  for (const name of ["vae", "autoencoder", "m1", "m2", "cvae"]) {
    expect([17, 1000, 85_000].map((features) => at(rate(name, features), "train.lr"))).toEqual([
      3e-3,
      3e-3,
      3 / 85_000,
    ]);
  }
  expect(at(rate("m1m2", 85_000), "m1.train.lr")).toBe(3 / 85_000);
});

test("q(y|x) of M2 stays uncertain where few images are labelled, and its style costs more", () => {
  const of = (rows: number, table: boolean) => defaultsOf("m2", rows, table);
  const kept = { model: { dropout: 0, inputDropout: 0 }, train: { warmup: 0, beta: 1 } };
  const few = { model: { dropout: 0.5, inputDropout: 0.3 }, train: { warmup: 10, beta: 2 } };
  expect([of(50_000, false), of(201, false)]).toMatchObject([few, few]);
  expect([of(200, false), of(50_000, true)]).toMatchObject([kept, kept]);
});

test("minibatches leave an epoch twenty updates where rows are few", () => {
  const batch = (rows: number) => at(defaultsOf("m1m2", rows, false), "train.batch");
  expect([60_000, 2000, 949, 344, 30].map(batch)).toEqual([100, 100, 47, 17, 10]);
  expect(at(defaultsOf("m1m2", 949, false), "m1.train.batch")).toBe(47);
  expect(at(defaultsOf("m1", 50_000, false), "train.batch")).toBe(250);
});

test("tables have small networks, whichever the model", () => {
  const small = { latent: 10, hidden: [50] };
  for (const name of ["vae", "autoencoder", "m1", "m2", "m1m2"] as const) {
    expect(defaultsOf(name, 344, true)).toMatchObject({ model: small, train: { epochs: 100, lr: 3e-3 } });
    expect(defaultsOf(name, 344, false).model).not.toMatchObject(small);
  }
  expect(defaultsOf("m1m2", 344, true).m1).toMatchObject({ model: small, train: { epochs: 100 } });
});
