/** The page of a session. All words that come from data are text nodes; nothing is ever parsed as HTML. */
import { type ComponentChildren, h, render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { MapPage } from "./map-page.ts";
import { Why } from "./one-row.ts";
import { ask, Classes, KEYS, Odds, type Send, Shown, type State, type Suspect } from "./parts.ts";
import { Progress } from "./progress.ts";
import { Sure } from "./sure.ts";

const VIEWS = ["Queue", "Map", "Sure", "Progress", "Suspects", "Result"] as const;
type View = (typeof VIEWS)[number];

function App() {
  const [state, setState] = useState<State>();
  const [view, setView] = useState<View>("Queue");
  const [problem, setProblem] = useState("");
  const [offline, setOffline] = useState(false);
  useEffect(() => {
    const source = new EventSource("/api/stream");
    source.addEventListener("state", (event) => {
      setOffline(false);
      setState(JSON.parse((event as MessageEvent<string>).data));
    });
    source.onerror = () => setOffline(true);
    return () => source.close();
  }, []);
  const send = async (path: string, message: object): Promise<boolean> => {
    try {
      setState(await ask<State>(path, message));
      setProblem("");
      return true;
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      return false;
    }
  };
  const record: Send = (event) => send("/api/events", event);
  const change: Send = (settings) => send("/api/settings", settings);
  if (state === undefined)
    return h("p", { class: "soft" }, offline ? "No answer from the studio." : "Loading …");
  return h("div", null, [
    h("header", null, [
      h("h1", null, state.name),
      h(
        "nav",
        { "aria-label": "Views" },
        VIEWS.map((name) =>
          h(
            "button",
            {
              type: "button",
              "aria-current": name === view ? "page" : undefined,
              onClick: () => setView(name),
            },
            name,
          ),
        ),
      ),
      h(
        "span",
        { class: "soft", role: "status", id: "status" },
        `${state.labelled} of ${state.rows} rows labelled${state.learning ? " · learning …" : state.lessons > 0 ? ` · ${state.lessons} lesson${state.lessons === 1 ? "" : "s"}` : ""}`,
      ),
      state.seeing &&
        h(
          "span",
          {
            class: "soft",
            id: "seeing",
            title:
              "M1 learns from all rows what they look like. The model then learns from its codes, which need fewer labels.",
          },
          `learning to see: ${state.seeing.epoch} of ${state.seeing.epochs}`,
        ),
      (problem || state.problem || offline) &&
        h(
          "span",
          { class: "problem", role: "alert" },
          offline
            ? "No answer from the studio. Labels are saved up to the last one shown."
            : problem || state.problem,
        ),
    ]),
    h("main", null, [
      view === "Queue" && h(Queue, { state, record, change }),
      view === "Map" && h(MapPage, { state, record, change }),
      view === "Sure" && h(Sure, { state, record }),
      view === "Progress" && h(Progress, { state }),
      view === "Suspects" && h(Suspects, { state, record }),
      view === "Result" && h(Result, { state, send }),
    ]),
  ]);
}

function NewClass({ record }: { record: Send }) {
  const [name, setName] = useState("");
  return h(
    "form",
    {
      onSubmit: (event: Event) => {
        event.preventDefault();
        if (name.trim() === "") return;
        void record({ type: "class", name: name.trim() });
        setName("");
        (document.activeElement as HTMLElement | null)?.blur();
      },
    },
    [
      h("input", {
        "aria-label": "Name of a new class",
        placeholder: "New class",
        maxLength: 200,
        value: name,
        onInput: (event: Event) => setName((event.target as HTMLInputElement).value),
      }),
      h("button", { type: "submit" }, "Add"),
    ],
  );
}

/** How the queue chooses, in the words of the page. */
const STRATEGIES = {
  chosen: "what the model is unsure of",
  informative: "what would teach it most",
  uncertain: "the least sure rows only",
  diverse: "typical rows of parts without labels",
  random: "chance",
} as const;

function Queue({ state, record, change }: { state: State; record: Send; change: Send }) {
  const { next } = state;
  const [isOpen, setOpen] = useState(false);
  // Two keys pressed at once would label the same row twice. The stream of states may show the next row before the answer to the last one is
  // here: a key for that row counts.
  const sent = useRef<number>();
  // Listeners are replaced a moment after the page is drawn. A key is for the row that is shown, not for the one before it.
  const shown = useRef(next);
  shown.current = next;
  const once = async (row: number, event: object): Promise<void> => {
    if (sent.current === row) return;
    sent.current = row;
    if (!(await record(event)) && sent.current === row) sent.current = undefined;
  };
  useEffect(() => {
    if (next?.row !== sent.current) sent.current = undefined;
  }, [next?.row]);
  const undo = () => {
    // What is undone is asked for again.
    sent.current = undefined;
    void record({ type: "undo" });
  };
  const choose = (k: number) => {
    const row = shown.current;
    if (row) void once(row.row, { type: "label", rows: [row.row], class: k, by: row.by });
  };
  const aside = (why: string) => {
    const row = shown.current;
    if (row) void once(row.row, { type: "aside", row: row.row, why });
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (
        event.target instanceof HTMLInputElement ||
        event.target instanceof HTMLSelectElement ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey
      )
        return;
      const k = KEYS.indexOf(event.key);
      if (k >= 0 && k < state.classes.length) choose(k);
      else if (event.key === "s") aside("skip");
      else if (event.key === "n") aside("none");
      else if (event.key === "u" && state.undoable > 0) undo();
      else if (event.key === "?") setOpen(!isOpen);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
  if (next === undefined)
    return h("p", null, state.choosing ? "Choosing rows …" : "Every row has a label or was put aside.");
  return h("section", { "aria-label": "Queue", "data-row": next.row }, [
    h("div", { class: "spread" }, [h(Shown, { row: next, image: state.image }), h(Odds, { row: next })]),
    h(Classes, { state, choose }),
    h("div", { class: "classes" }, [
      h("button", { type: "button", onClick: () => aside("skip") }, [h("kbd", null, "s"), " Skip"]),
      h("button", { type: "button", onClick: () => aside("none") }, [
        h("kbd", null, "n"),
        " Not any of these",
      ]),
      h("button", { type: "button", disabled: state.undoable === 0, onClick: undo }, [
        h("kbd", null, "u"),
        " Undo",
      ]),
    ]),
    h(NewClass, { record }),
    h("p", null, [
      h("label", null, [
        "Asks for ",
        h(
          "select",
          {
            "aria-label": "How rows are chosen",
            value: state.strategy,
            onChange: (event: Event) => void change({ strategy: (event.target as HTMLSelectElement).value }),
          },
          Object.entries(STRATEGIES).map(([name, words]) => h("option", { value: name }, words)),
        ),
      ]),
      " ",
      h("button", { type: "button", "aria-expanded": isOpen, onClick: () => setOpen(!isOpen) }, [
        h("kbd", null, "?"),
        " Why",
      ]),
    ]),
    isOpen && h(Why, { row: next, state }),
  ]);
}

function Suspects({ state, record }: { state: State; record: Send }) {
  const [found, setFound] = useState<readonly Suspect[]>();
  useEffect(() => {
    void ask<readonly Suspect[]>("/api/suspects").then(setFound);
  }, [state.lessons, state.labelled]);
  if (found === undefined) return h("p", { class: "soft" }, "Looking …");
  if (found.length === 0) return h("p", null, "No label disagrees strongly with the rows around it.");
  return h(
    "section",
    { "aria-label": "Suspects" },
    found.map((row) =>
      h("div", { class: "spread" }, [
        h(Shown, { row, image: state.image }),
        h("div", null, [
          h("p", null, `Labelled ${row.given}; the rows around it are ${row.likely}.`),
          h(Classes, {
            state,
            choose: (k: number) => void record({ type: "label", rows: [row.row], class: k, by: "map" }),
          }),
        ]),
      ]),
    ),
  );
}

function Result({
  state,
  send,
}: {
  state: State;
  send: (path: string, message: object) => Promise<boolean>;
}) {
  const [files, setFiles] = useState<readonly string[]>();
  const [problem, setProblem] = useState("");
  const write = async () => {
    try {
      setFiles((await ask<{ files: readonly string[] }>("/api/results", {})).files);
    } catch (error) {
      setProblem(String(error));
    }
  };
  const list: ComponentChildren = files?.map((file) => h("li", null, file));
  const { thorough } = state;
  return h("section", { "aria-label": "Result" }, [
    h(
      "p",
      null,
      "Lessons between labels are short, so that nobody waits. A thorough one starts from scratch and learns for as long as a training run would. It takes minutes if there are many rows, and usually gives a better model. A new label ends it.",
    ),
    h("p", { id: "thorough" }, [
      h(
        "button",
        {
          type: "button",
          disabled: state.lessons === 0,
          onClick: () => void send("/api/lesson", { thorough: thorough === undefined }),
        },
        thorough === undefined ? "Learn thoroughly" : "Stop learning",
      ),
      thorough !== undefined &&
        (thorough.epochs === 0 ? " Getting ready …" : ` Pass ${thorough.epoch} of ${thorough.epochs}`),
    ]),
    h("p", null, "Labels, predictions of all rows and the trained run, in the session's folder."),
    h("button", { type: "button", onClick: write }, "Write files"),
    h("ul", { id: "files" }, list),
    h("p", { class: "problem" }, problem),
  ]);
}

const root = document.getElementById("root");
if (root) render(h(App, {}), root);
