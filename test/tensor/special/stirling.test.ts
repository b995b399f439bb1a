import { expect, test } from "vitest";
import { log1pMinus, stirlingRemainder } from "../../../src/tensor/special/index.ts";

// mpmath, 90 digits: loggamma(x) − ((x − ½) log x − x + ½ log 2π) and its first three derivatives.
const remainders = [
  [1e-8, 8.29140202720616, -49999982.1565349, 4999999900000001.0, -9.9999999e23],
  [0.25, 0.27251040121343206, -0.8411591722563748, 5.197329154507111, -49.32773993753692],
  [0.999, 0.08113875499467682, -0.0773608012745614, 0.14533892877354654, -0.405611195211644],
  [1, 0.08106146679532726, -0.07721566490153287, 0.14493406684822643, -0.4041138063191886],
  [2.5, 0.03316287351993629, -0.013134091228911878, 0.010357756100234865, -0.012204051641727403],
  [7.99, 0.010424282145215024, -0.0013033149534864366, 0.0003257321706870004, -0.00012205176671169401],
  [9.99, 0.00833889679773433, -0.0008341697792110009, 0.0001668350281166566, -5.0034481395970554e-5],
  [10, 0.00833056343336287, -0.0008325039273245763, 0.0001663356816857461, -4.983497080206746e-5],
  [100, 0.0008333305556349147, -8.333250003967838e-6, 1.6666333357139525e-7, -4.9998333499970006e-9],
  [1000000.0, 8.333333333333056e-8, -8.3333333333325e-14, 1.6666666666663333e-19, -4.999999999998334e-25],
  [10000000000.0, 8.333333333333334e-12, -8.333333333333333e-22, 1.6666666666666667e-31, -5e-41],
];

test.each(remainders)("the remainder of Stirling's formula at %s, and its derivatives", (x, ...expected) => {
  expected.forEach((right, order) => {
    expect(Math.abs(stirlingRemainder(order, x) / right - 1)).toBeLessThan(2e-14);
  });
});

test("the remainder's ends", () => {
  expect(stirlingRemainder(0, 0)).toBe(Number.POSITIVE_INFINITY);
  expect(stirlingRemainder(1, 0)).toBe(Number.NEGATIVE_INFINITY);
  expect(stirlingRemainder(0, Number.POSITIVE_INFINITY)).toBe(0);
  expect(stirlingRemainder(0, -1)).toBeNaN();
  expect(stirlingRemainder(0, Number.NaN)).toBeNaN();
});

// mpmath, 90 digits: log1p(x) − x.
test.each([
  [-0.999, -5.908755278982136],
  [-0.5, -0.19314718055994531],
  [-0.39, -0.10429632181478013],
  [-0.001, -5.003335835335002e-7],
  [-1e-9, -5.000000003333334e-19],
  [1e-12, -4.999999999996667e-25],
  [0.0001, -4.999666691664667e-9],
  [0.2, -0.017678443206045377],
  [0.399, -0.06324230431665588],
  [0.401, -0.06381373264513006],
  [3, -1.6137056388801094],
  [1000000.0, -999986.184488442],
])("ln(1 + x) − x at %s", (x, right) => {
  expect(Math.abs(log1pMinus(x) / right - 1)).toBeLessThan(4e-15);
});

test("ln(1 + x) − x at its ends", () => {
  expect(log1pMinus(-1)).toBe(Number.NEGATIVE_INFINITY);
  expect(log1pMinus(0)).toBe(0);
  expect(log1pMinus(-2)).toBeNaN();
});
