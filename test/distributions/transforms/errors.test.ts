import { describe, expect, test } from "vitest";
import { constraints, transforms } from "../../../src/distributions/index.ts";
import { ShapeError, UsageError } from "../../../src/errors.ts";
import { sequential } from "../../../src/nn/index.ts";
import { input } from "../../../src/tensor/index.ts";

const x = (...shape: number[]) => input("x", shape);

describe("shapes", () => {
  test("an event of another size", () => {
    const flow = transforms.affineCoupling({ size: 3 });
    expect(() => flow.forward(x(5, 4))).toThrow(
      new ShapeError(
        "affineCoupling.forward: expected x of shape [..., 3] (domain realVector), found [5, 4]; " +
          "reshape or transpose it so that its last dimension is the event.",
      ),
    );
    expect(() => flow.inverse(x(4))).toThrow(
      "affineCoupling.inverse: expected y of shape [..., 3] (codomain realVector), found [4]",
    );
  });

  test("no event at all", () => {
    expect(() => transforms.ordered.forward(x())).toThrow(
      "ordered.forward: expected x of shape [..., m] (domain realVector), found []",
    );
    expect(() => transforms.stickBreaking.inverse(x(1))).toThrow(
      "stickBreaking.inverse: expected y of shape [..., k] with k ≥ 2 (codomain simplex), found [1]",
    );
  });

  test("a vector that is no triangle, a matrix that is not square", () => {
    expect(() => transforms.lowerCholesky().forward(x(5))).toThrow(
      "lowerCholesky.forward: expected x of shape [..., n (n + 1) / 2] (domain realVector), found [5]",
    );
    expect(() => transforms.lowerCholesky().inverse(x(2, 3))).toThrow(
      "found [2, 3]; reshape or transpose it so that its last 2 dimensions are the event.",
    );
  });

  test("more dimensions summed than the batch has", () => {
    expect(() => transforms.exp.forwardAndLogDet(x(2), 2)).toThrow(
      new ShapeError(
        "exp.logDet: cannot sum over the last 2 dimensions of batch shape [2]; give a whole number from 0 to 1.",
      ),
    );
  });

  test("whole numbers", () => {
    expect(() => transforms.exp.forward(input("n", [2], "int32"))).toThrow(
      new ShapeError('exp: expected a float tensor, found int32; cast it (x.cast("float32")).'),
    );
  });

  test("a context whose batch does not fit", () => {
    const flow = transforms.affineCoupling({ size: 2, context: x(7, 3) });
    expect(() => flow.forward(x(5, 2))).toThrow(
      "affineCoupling.forward: shapes [5] and [7] do not broadcast",
    );
  });

  test("parameters of another shape in their place", () => {
    const t = transforms.affine(x(3), 1);
    expect(() => transforms.withParameters(t, { loc: x(4) })).toThrow(
      new ShapeError(
        "affine: parameter 'loc' is float32 [3]; found float32 [4] to take its place. To change the shape, build a new transform.",
      ),
    );
  });
});

describe("what cannot be built", () => {
  test("maps with a factor or exponent of 0", () => {
    expect(() => transforms.affine(0, [1, 0])).toThrow(
      new UsageError("affine: 'scale' must not be 0, which has no inverse; found a 0 in it."),
    );
    expect(() => transforms.power(0)).toThrow(
      new UsageError("power: 'exponent' must not be 0, which has no inverse; found a 0 in it."),
    );
  });

  test("no permutation", () => {
    expect(() => transforms.permute([0, 2])).toThrow(
      new UsageError("permute: expected the numbers from 0 to 1, each once, found [0, 2]."),
    );
    expect(() => transforms.permute([1, 1])).toThrow(UsageError);
    expect(() => transforms.permute([])).toThrow(UsageError);
  });

  test("nothing composed", () => {
    expect(() => transforms.compose()).toThrow("compose: expected at least one transform, found none");
  });

  test("a map after one with redundant numbers", () => {
    expect(() => transforms.compose(transforms.stickBreaking, transforms.exp)).toThrow(
      new UsageError(
        "compose: values of 'simplex' meet a transform whose domain is 'real'; simplex vectors hold redundant numbers, so " +
          "the log determinant of such a map would be wrong. Transform the unconstrained values before, or the draws after.",
      ),
    );
    const back = transforms.compose(transforms.stickBreaking, transforms.inverse(transforms.stickBreaking));
    expect(back.forwardShape([4, 3])).toEqual([4, 3]);
  });

  test("a diagonal that is not positive", () => {
    expect(() => transforms.lowerCholesky({ diagonal: transforms.tanh })).toThrow(
      "lowerCholesky: 'diagonal' must map numbers to positive ones, as exp and softplus do; found tanh(real → interval).",
    );
  });

  test("a coupling of one number, or that keeps all", () => {
    expect(() => transforms.affineCoupling({ size: 1 })).toThrow(
      "coupling: of 1 numbers, between 1 and 0 must pass unchanged, found kept = 0; " +
        "a single number has nothing to be conditioned on: use an affine or spline transform.",
    );
    expect(() => transforms.affineCoupling({ size: 3, kept: 3 })).toThrow(
      "coupling: of 3 numbers, between 1 and 2 must pass unchanged, found kept = 3.",
    );
  });

  test("a conditioner that returns too little", () => {
    const flow = transforms.affineCoupling({ size: 3, conditioner: sequential() });
    expect(() => flow.forward(x(5, 3))).toThrow(
      new ShapeError(
        "affineCoupling: the conditioner must return [5, 4] (2 numbers for each of 2 elements) for its input [5, 1]; found [5, 1].",
      ),
    );
  });

  test("a masked network of another size or transformer", () => {
    const network = transforms.made({ size: 2, outputs: 2 });
    expect(() => transforms.maskedAutoregressive({ size: 3, network })).toThrow(
      new UsageError(
        "maskedAutoregressive: expected a network of size 3 with 2 outputs for each element (the affine transformer's), " +
          "found size 2 with 2; build it with made({ size: 3, outputs: 2 }).",
      ),
    );
    expect(() => transforms.inverseAutoregressive({ size: 2, network, context: x(4) }).forward(x(2))).toThrow(
      new ShapeError("made: expected no context, found [4]; build it with { context: size of it }."),
    );
  });

  test("splines and factors without a positive bound, planar vectors of two sizes", () => {
    const raw = { widths: x(3), heights: x(3), derivatives: x(2) };
    expect(() => transforms.rationalQuadraticSpline(raw, { bound: 0 })).toThrow(
      "rationalQuadraticSpline: 'bound' must be positive and finite, found 0.",
    );
    expect(() => transforms.rationalQuadraticSpline({ ...raw, derivatives: x(3) })).toThrow(
      "derivatives [..., bins - 1] with at least 2 bins, found [3], [3], [3].",
    );
    expect(() => transforms.affineTransformer({ maxLogScale: -1 })).toThrow(
      "affineTransformer: 'maxLogScale' must be positive and finite, found -1.",
    );
    expect(() => transforms.splineTransformer({ bins: 1 })).toThrow(
      "splineTransformer: 'bins' must be at least 2, found 1.",
    );
    expect(() => transforms.planar({ u: x(2), w: x(3), b: x() })).toThrow(
      "planar: u and w must be vectors [..., size] of one size, found [2] and [3].",
    );
  });
});

test("what a transform says of itself", () => {
  const t = transforms.compose(transforms.affine(0, 2), transforms.stickBreaking);
  expect(String(t)).toBe("compose(affine, stickBreaking)(independent(real, 1) → simplex)");
  expect([t.eventRank, t.codomain.eventRank]).toEqual([1, 1]);
  expect(String(transforms.inverse(transforms.exp))).toBe("inverse(exp)(positive → real)");
  expect(transforms.inverse(transforms.inverse(transforms.exp))).toBe(transforms.exp);
  expect(constraints.independentConstraint(constraints.real, 1)).toMatchObject({
    reinterpreted: 1,
    base: constraints.real,
  });
});
