/** Progress: labels by class, the error and its curve, calibration, and whether more labels help. */
import { h } from "preact";
import { type Point, percent, type State, signed } from "./parts.ts";

export function Progress({ state }: { state: State }) {
  const last = state.progress.at(-1);
  const error = last?.error;
  return h("section", { "aria-label": "Progress" }, [
    h("h2", null, "Labels"),
    h(
      "ul",
      { class: "counts" },
      state.classes.map((name, k) => h("li", null, [name, " ", h("b", null, String(state.perClass[k]))])),
    ),
    state.stability &&
      h(
        "p",
        { id: "stability" },
        state.stability.settled
          ? `More labels like these will change little: in the last lessons, ${percent(state.stability.same)} of the rows kept their class, three times in a row.`
          : `The last labels still change the predictions: ${percent(1 - state.stability.same)} of the rows got another class.`,
      ),
    h("h2", null, "Error"),
    h(
      "p",
      null,
      error
        ? `${percent(error.share)}, between ${percent(error.interval[0])} and ${percent(error.interval[1])} (95 %), on ${error.rows} rows that were drawn at random and are not used for training.`
        : "Not known yet: it is measured on every fourth row of the queue, which is drawn at random.",
    ),
    h(Curve, { points: state.progress }),
    h("h2", null, "Calibration"),
    h(
      "p",
      null,
      state.calibrationError === undefined
        ? `Known from 40 random rows on; ${state.checked ?? 0} so far.`
        : `Calibration error: ${percent(state.calibrationError)} on ${state.checked} rows.`,
    ),
    state.temperature !== undefined &&
      h(
        "p",
        { class: "soft" },
        `Probabilities are shown and written at temperature ${state.temperature.toFixed(2)}, fitted to the random rows: ${state.temperature > 1.005 ? "the model alone is too sure." : state.temperature < 0.995 ? "the model alone is not sure enough." : "they are as the model gives them."}`,
      ),
    last !== undefined &&
      h("details", null, [
        h("summary", null, `${state.progress.length} lessons, one by one`),
        h("table", null, [
          h("tr", null, [
            h("th", null, "labels"),
            h("th", null, "error"),
            h("th", null, "interval"),
            h("th", null, "bound on log p(x)"),
            h("th", null, "seconds"),
          ]),
          ...state.progress.map((point) =>
            h("tr", null, [
              h("td", null, String(point.labels)),
              h("td", null, point.error ? percent(point.error.share) : "–"),
              h(
                "td",
                null,
                point.error
                  ? `${percent(point.error.interval[0])} – ${percent(point.error.interval[1])}`
                  : "–",
              ),
              h("td", null, typeof point.bound === "number" ? signed(point.bound) : "–"),
              h("td", null, point.seconds.toFixed(1)),
            ]),
          ),
        ]),
      ]),
  ]);
}

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [420, 150, 56, 22];

/** The error against labels, with its interval as a band. */
function Curve({ points }: { points: readonly Point[] }) {
  // Of several lessons on as many labels the last counts.
  const byLabels = new Map(points.flatMap(({ labels, error }) => (error ? [[labels, error] as const] : [])));
  const known = [...byLabels]
    .map(([labels, error]) => ({ labels, ...error }))
    .sort((a, b) => a.labels - b.labels);
  if (known.length < 2) return null;
  const [first, last] = [known[0].labels, known[known.length - 1].labels];
  const most = Math.max(...known.map(({ interval }) => interval[1]));
  const x = (labels: number) => LEFT + ((WIDTH - LEFT - 8) * (labels - first)) / Math.max(1, last - first);
  const y = (share: number) => 8 + (HEIGHT - BOTTOM - 8) * (1 - share / most);
  const line = (shares: readonly (readonly [number, number])[]) =>
    shares.map(([labels, share]) => `${x(labels).toFixed(1)},${y(share).toFixed(1)}`).join(" ");
  const band = [
    ...known.map(({ labels, interval }) => [labels, interval[1]] as const),
    ...[...known].reverse().map(({ labels, interval }) => [labels, interval[0]] as const),
  ];
  return h(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      class: "curve",
      role: "img",
      "aria-label": `Error from ${percent(known[0].share)} at ${first} labels to ${percent(known[known.length - 1].share)} at ${last}`,
    },
    [
      h("polygon", { points: line(band), class: "band" }),
      h("polyline", {
        points: line(known.map(({ labels, share }) => [labels, share] as const)),
        class: "line",
      }),
      h("text", { x: LEFT - 6, y: y(most) + 4, "text-anchor": "end" }, percent(most)),
      h("text", { x: LEFT - 6, y: y(0) + 4, "text-anchor": "end" }, "0 %"),
      h("text", { x: LEFT, y: HEIGHT - 4 }, `${first} labels`),
      h("text", { x: WIDTH - 8, y: HEIGHT - 4, "text-anchor": "end" }, `${last} labels`),
    ],
  );
}
