import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { gammaSampleDerivative } from "../../../src/distributions/index.ts";
import { grad, sum, type Tensor } from "../../../src/tensor/index.ts";

// [α, z, dz/dα], z from 2⁻²⁰⁰ and ±4 to 5 standard deviations: −(∂F/∂α)/p(z) by mpmath with 60 digits, ∂F/∂α by central
// differences of the incomplete gamma function: reference.py.
const rows: readonly (readonly [number, number, number])[] = [
  [0.01, 6.223015277861142e-61, 8.592027001127361e-57],
  [0.01, 0.25, 33.83133462352896],
  [0.01, 1.5, 68.36426957100302],
  [0.1, 9.094947017729282e-13, 2.4831144657591774e-10],
  [0.1, 0.25, 3.644172186891288],
  [0.1, 1.0, 6.790083413327752],
  [0.1, 2.5, 9.024480570796605],
  [0.1, 12.0, 12.133553516093901],
  [0.5, 0.25, 0.9080144917641113],
  [0.5, 1.0, 1.8782472817325202],
  [0.5, 2.5, 2.7304872835114304],
  [0.5, 12.0, 4.354449900108509],
  [1, 0.25, 0.5318067486130356],
  [1, 1.0, 1.1735630272247268],
  [1, 2.5, 1.797032233261672],
  [1, 12.0, 3.1394484478284523],
  [1.5, 0.03125, 0.08805311389797521],
  [1.5, 0.27525512860841106, 0.4186685335618312],
  [1.5, 1.4808633613845064, 1.108283929546663],
  [1.5, 2.724744871391589, 1.4826759949310766],
  [1.5, 7.623724356957945, 2.2491170694900067],
  [3, 0.03125, 0.049593229927848335],
  [3, 1.2679491924311228, 0.6649490558985095],
  [3, 2.9729367061317364, 1.0522353377416909],
  [3, 4.732050807568877, 1.3161829374064933],
  [3, 11.660254037844386, 1.9279662569131129],
  [10, 0.03125, 0.018232244213969653],
  [10, 6.83772233983162, 0.8356807980109344],
  [10, 9.95058941155987, 1.0143068078855886],
  [10, 13.16227766016838, 1.162886734196436],
  [10, 25.811388300841898, 1.5733328151160233],
  [30, 8.091097699793355, 0.4864967212764281],
  [30, 24.522774424948338, 0.9076090577766321],
  [30, 29.914418350389816, 1.0041380119670074],
  [30, 35.47722557505166, 1.0922392193843626],
  [30, 57.38612787525831, 1.3665945163010131],
  [300, 230.7179676972449, 0.8749309911270997],
  [300, 282.6794919243112, 0.9710996262011453],
  [300, 299.72936706131736, 1.0001042989512936],
  [300, 317.3205080756888, 1.02889888878533],
  [300, 386.6025403784439, 1.1327894949166624],
  [20000, 19434.31457505076, 0.9857308269791806],
  [20000, 19858.578643762692, 0.9964644070006511],
  [20000, 19997.790291308793, 0.9999530881627201],
  [20000, 20141.421356237308, 1.0035355926660037],
  [20000, 20707.106781186547, 1.0174814213584071],
];
const alphas = rows.map(([a]) => a);
const zs = rows.map(([, z]) => z);
const relative = (found: ArrayLike<number>): number[] =>
  rows.map(([, , expected], i) => Math.abs(found[i] - expected) / expected);

test("dz/dα in float64 within 1e-11 from the lower tail to the upper, for α from 0.01 to 20000", async () => {
  const run = compile((a: Tensor, z: Tensor) => ({ d: gammaSampleDerivative(a, z) }), { executor: "host" });
  const { d } = await run(Float64Array.from(alphas), Float64Array.from(zs));
  expect(Math.max(...relative(Array.from(d.data, Number)))).toBeLessThan(1e-11);
});

test("natively in float32 within 1e-5", async () => {
  const run = compile((a: Tensor, z: Tensor) => ({ d: gammaSampleDerivative(a, z) }), { threads: 1 });
  const { d } = await run(Float32Array.from(alphas), Float32Array.from(zs));
  // 2⁻²⁰⁰ is 0 in float32; α and z are rounded, which moves the rest by a few 1e-7.
  const errors = relative(Array.from(d.data, Number)).filter((_, i) => zs[i] > 2 ** -126);
  expect(Math.max(...errors)).toBeLessThan(1e-5);
});

test("its own derivative in α against central differences", async () => {
  const run = compile(
    (a: Tensor, z: Tensor) => {
      const d = gammaSampleDerivative(a, z);
      return { d, second: grad(sum(d), [a])[0] };
    },
    { executor: "host" },
  );
  const at = async (shift: number) =>
    run(
      Float64Array.from(alphas, (a) => a * (1 + shift)),
      Float64Array.from(zs),
    );
  const h = 1e-4;
  const [low, centre, high] = [await at(-h), await at(0), await at(h)];
  // Central differences leave h² f‴/6 ≈ 1e-8 of f/α, times the sixth derivative's growth near α = 0.
  alphas.forEach((a, i) => {
    const difference = (Number(high.d.data[i]) - Number(low.d.data[i])) / (2 * h * a);
    const scale = Math.abs(Number(centre.d.data[i])) / a;
    expect(Math.abs(Number(centre.second.data[i]) - difference), `α = ${a}, z = ${zs[i]}`).toBeLessThan(
      1e-6 * scale,
    );
  });
});

// Drawn over concentrations from 1e-3 to 1e6 by gamma-derivative.py, with mpmath.
const drawn: readonly (readonly [number, number, number])[] = JSON.parse(
  readFileSync(new URL("gamma-derivative.json", import.meta.url), "utf8"),
);

test.each([
  ["host", Float64Array, 1e-13],
  ["native", Float64Array, 1e-13],
  ["native", Float32Array, 2e-6],
] as const)("drawn concentrations on %s (%#)", async (executor, Numbers, tolerance) => {
  const run = compile((a: Tensor, z: Tensor) => ({ d: gammaSampleDerivative(a, z) }), {
    executor,
    threads: 1,
  });
  const { d } = await run(Numbers.from(drawn.map(([a]) => a)), Numbers.from(drawn.map(([, z]) => z)));
  drawn.forEach(([a, z, expected], i) => {
    expect(Math.abs(Number(d.data[i]) / expected - 1), `α = ${a}, z = ${z}`).toBeLessThan(tolerance);
  });
  expect(drawn.length).toBe(150);
});
