import { expect, test } from "vitest";
import { children, kaplanMeier, median, regress } from "../../examples/survival.ts";

test("the data: 21 children in each group, 9 and 21 relapses", () => {
  const count = (treated: boolean) => children.filter((c) => c.treated === treated && c.ended).length;
  expect([children.length, count(true), count(false)]).toEqual([42, 9, 21]);
});

test("the censored fit is the maximum likelihood that the literature gives", async () => {
  // survreg in R, as printed by Venables & Ripley, Modern Applied Statistics with S (2002), section 13.2: the control group is 1.267 lower,
  // intercept 3.516, ln sigma −0.312.
  const f = await regress("censored");
  expect(f.effect).toBeCloseTo(1.267, 3);
  expect(f.intercept + f.effect).toBeCloseTo(3.516, 3);
  expect(Math.log(f.sigma)).toBeCloseTo(-0.312, 3);
});

test("both shortcuts make the drug look worse", async () => {
  const [censored, relapses, without] = [
    await regress("censored"),
    await regress("as relapses"),
    await regress("left out"),
  ];
  expect(median(relapses, true)).toBeLessThan(0.7 * median(censored, true));
  expect(median(without, true)).toBeLessThan(0.55 * median(censored, true));
  // The placebo group has no censored times: its median hardly moves.
  expect(Math.abs(median(relapses, false) / median(censored, false) - 1)).toBeLessThan(0.15);
});

test("Kaplan and Meier's shares for the treated", () => {
  // Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data (1980), table 1.3 as usually quoted.
  const { weeks, share } = kaplanMeier(true);
  expect(weeks).toEqual([6, 7, 10, 13, 16, 22, 23]);
  [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448].forEach((s, i) => {
    expect(share[i]).toBeCloseTo(s, 3);
  });
});
