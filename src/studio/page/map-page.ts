/** The map: all rows as points. Point at one to see it, click it to open it, draw a lasso to label many. */
import { type ComponentChild, h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import {
  cssColour,
  drawMap,
  type MapData,
  type MapView,
  nearestPoint,
  type Place,
  readMap,
  rowsWithin,
  zoomedAt,
} from "./map.ts";
import { OneRow } from "./one-row.ts";
import { ask, Classes, Odds, type Row, type Send, Shown, type State } from "./parts.ts";

/** Rows of a selection that are shown. */
const SHOWN = 8;
/** Room for the card beside the pointer, in pixels. */
const CARD = 270;
const WHOLE = { scale: 1, x: 0, y: 0 } as const;
const COLOURED = ["predicted", "label", "doubt", "outlier"] as const;

const placeOf = ({ offsetX, offsetY }: MouseEvent): Place => [offsetX, offsetY];

/** Some of the rows, spread over all of them. */
const someOf = (rows: readonly number[]): readonly number[] =>
  rows.filter((_, i) => i % Math.ceil(rows.length / SHOWN) === 0);

export function MapPage({ state, record, change }: { state: State; record: Send; change: Send }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [data, setData] = useState<MapData>();
  const [colour, setColour] = useState<MapView["colour"]>("predicted");
  const [zoom, setZoom] = useState<MapView["zoom"]>(WHOLE);
  const [picked, setPicked] = useState<Row>();
  const [hovered, setHovered] = useState<{ readonly row: Row; readonly at: Place }>();
  const [draws, setDraws] = useState(false);
  const [lasso, setLasso] = useState<readonly Place[]>([]);
  const [selected, setSelected] = useState<readonly number[]>([]);
  const pointed = useRef<number>();
  const moved = useRef(false);

  useEffect(() => {
    void fetch("/api/map").then(async (answer) => setData(readMap(await answer.arrayBuffer())));
  }, [state.lessons, state.labelled, state.map.version]);
  useEffect(() => {
    if (canvas.current && data) drawMap(canvas.current, data, { colour, zoom }, lasso);
  });
  useEffect(() => {
    const redraw = () => canvas.current && data && drawMap(canvas.current, data, { colour, zoom }, lasso);
    window.addEventListener("resize", redraw);
    return () => window.removeEventListener("resize", redraw);
  });

  const at = (event: MouseEvent): number | undefined =>
    canvas.current && data ? nearestPoint(canvas.current, data, zoom, placeOf(event)) : undefined;
  const onPointerMove = async (event: PointerEvent) => {
    if (event.buttons === 1) {
      moved.current = true;
      setHovered(undefined);
      if (draws) setLasso([...lasso, placeOf(event)]);
      else setZoom({ ...zoom, x: zoom.x + event.movementX, y: zoom.y + event.movementY });
      return;
    }
    const row = at(event);
    if (row === pointed.current) return;
    pointed.current = row;
    setHovered(undefined);
    if (row === undefined) return;
    const found = await ask<Row>(`/api/rows/${row}`);
    // The pointer may have moved on in the meantime.
    if (pointed.current === row) setHovered({ row: found, at: placeOf(event) });
  };
  const onPointerUp = () => {
    if (!draws || !canvas.current || !data) return;
    if (lasso.length > 2) setSelected(rowsWithin(canvas.current, data, zoom, lasso));
    setLasso([]);
    setDraws(false);
  };
  const onClick = async (event: MouseEvent) => {
    // The click at the end of a drag picks nothing.
    if (moved.current) return;
    const row = at(event);
    if (row !== undefined) setPicked(await ask<Row>(`/api/rows/${row}`));
  };
  const magnify = (factor: number) => {
    if (canvas.current) {
      const { clientWidth, clientHeight } = canvas.current;
      setZoom(zoomedAt(canvas.current, zoom, factor, [clientWidth / 2, clientHeight / 2]));
    }
  };
  const button = (name: string, onPress: () => void, isPressed?: boolean) =>
    h(
      "button",
      { type: "button", onClick: onPress, ...(isPressed !== undefined && { "aria-pressed": isPressed }) },
      name,
    );
  const group = (name: string, buttons: readonly ComponentChild[]) =>
    h("div", { class: "classes", role: "group", "aria-label": name }, buttons);
  /** Beside the pointer, but not beyond the right edge. */
  const beside = ([x, y]: Place) => ({
    left: `${Math.max(0, Math.min(x + 14, (canvas.current?.clientWidth ?? 0) - CARD))}px`,
    top: `${y + 14}px`,
  });
  return h("section", { "aria-label": "Map" }, [
    h("div", { class: "controls" }, [
      group(
        "Colour by",
        COLOURED.map((name) => button(name, () => setColour(name), name === colour)),
      ),
      group("Places", [
        button("Components", () => void change({ layout: "pca" }), state.layout === "pca"),
        button(
          state.map.making ? "UMAP …" : "UMAP",
          () => void change({ layout: "umap" }),
          state.layout === "umap",
        ),
      ]),
      group("View", [
        button("Zoom in", () => magnify(1.5)),
        button("Zoom out", () => magnify(1 / 1.5)),
        button("All", () => setZoom(WHOLE)),
        button("Lasso", () => setDraws(!draws), draws),
      ]),
    ]),
    h("div", { class: "map" }, [
      h("canvas", {
        ref: canvas,
        role: "img",
        "aria-label": `${state.rows} rows as points; rows that are alike are near each other`,
        onClick,
        onPointerDown: () => {
          moved.current = false;
        },
        onPointerMove,
        onPointerUp,
        onPointerLeave: () => {
          pointed.current = undefined;
          setHovered(undefined);
        },
        onWheel: (event: WheelEvent) => {
          event.preventDefault();
          if (canvas.current)
            setZoom(zoomedAt(canvas.current, zoom, event.deltaY < 0 ? 1.2 : 1 / 1.2, placeOf(event)));
        },
      }),
      hovered &&
        h("div", { class: "card", style: beside(hovered.at) }, [
          h(Shown, { row: hovered.row, image: state.image }),
          h(Odds, { row: hovered.row }),
        ]),
    ]),
    state.map.problem && h("p", { class: "problem" }, state.map.problem),
    colour === "outlier" && h("p", { class: "soft" }, "Red: unlike the rest. log p(x) is lowest there."),
    colour === "doubt" && h("p", { class: "soft" }, "Red: the model is unsure of the class."),
    (colour === "predicted" || colour === "label") &&
      h(
        "p",
        { class: "legend" },
        state.classes.map((name, k) =>
          h("span", null, [h("i", { style: { background: cssColour(k) } }), ` ${name} `]),
        ),
      ),
    selected.length > 0 &&
      h("div", { id: "selection" }, [
        h("h2", null, `${selected.length} rows selected`),
        h(Several, { rows: someOf(selected), image: state.image }),
        h("p", null, "Label all of them:"),
        h(Classes, {
          state,
          keys: false,
          choose: (k: number) => {
            void record({ type: "label", rows: selected, class: k, by: "map" });
            setSelected([]);
          },
        }),
        button("Let go", () => setSelected([])),
      ]),
    picked &&
      h("div", { id: "picked" }, [
        h("h2", null, "One row"),
        h(OneRow, {
          row: picked,
          state,
          choose: (k: number) => {
            void record({ type: "label", rows: [picked.row], class: k, by: "map" });
            setPicked({ ...picked, label: k });
          },
        }),
      ]),
  ]);
}

/** A few rows side by side. */
export function Several({ rows, image }: { rows: readonly number[]; image: boolean }) {
  const [found, setFound] = useState<readonly Row[]>([]);
  useEffect(() => {
    void Promise.all(rows.map((row) => ask<Row>(`/api/rows/${row}`))).then(setFound);
  }, [rows.join()]);
  return h(
    "div",
    { class: "spread" },
    found.map((row) => h(Shown, { row, image, isSmall: true })),
  );
}
