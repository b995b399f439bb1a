/**
 * Colours of figures and pages, as CSS custom properties, for light and dark mode. Each figure includes them, so that an SVG saved on its
 * own keeps its colours.
 */
const LIGHT = `
  --paper: #fdfcf9; --ink: #22211e; --muted: #6b675e; --hairline: #ddd8cc; --code: #f4f1ea;
  --train: #b3aa98; --test: #2b5c8a; --extra: #b0552a; --active: #2b5c8a; --inactive: #c9c2b3;
`;
const DARK = `
  --paper: #171614; --ink: #e4e0d7; --muted: #a09a8d; --hairline: #38352f; --code: #211f1c;
  --train: #7d766a; --test: #8cb6dd; --extra: #e39a6c; --active: #8cb6dd; --inactive: #6d6757;
`;

/** The custom properties on `selector`, with dark values if the reader prefers dark mode. */
export const themeCss = (selector: string): string =>
  `${selector} {${LIGHT}}
@media (prefers-color-scheme: dark) { ${selector} {${DARK}} }
@media print { ${selector} {${LIGHT}  --paper: #fff;
} }`;

/** Ten colours that are easy to distinguish on light and dark backgrounds, in the order of Observable's categorical scheme. */
const CATEGORICAL = [
  "#4269d0",
  "#efb118",
  "#ff725c",
  "#6cc5b0",
  "#3ca951",
  "#e377a8",
  "#a463f2",
  "#8fb4ee",
  "#9c6b4e",
  "#9498a0",
] as const;

/** One colour for each of `count` classes; more than ten are spread around the colour wheel. */
export const classColours = (count: number): readonly string[] =>
  count <= CATEGORICAL.length
    ? CATEGORICAL.slice(0, count)
    : Array.from(
        { length: count },
        (_, i) => `hsl(${Math.round((360 * i) / count)} 55% ${i % 2 === 0 ? 52 : 64}%)`,
      );
