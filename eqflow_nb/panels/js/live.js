// What every live panel has: when it moves and when it rests, its buttons, its words, its errors.

import { button, complaint, controls, make } from "./controls.js";
import { isDark, look } from "./colours.js";

export const PANELS = []; // that are mounted

const LONGEST = 0.05; // seconds that one frame may move on: after a sleep nothing jumps
const SAYING = 500; // milliseconds between two figures shown

const STYLE = `
.eqflow-live { --paper: #fdfcf9; --ink: #23272e; --faint: #666a70; --line: #c9c6bf; --key: #0067a8;
  color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px; margin: 8px 0; box-sizing: border-box; max-width: 62rem; text-align: left;
  font: 15px/1.4 system-ui, sans-serif; container-type: inline-size; }
.eqflow-live * { box-sizing: border-box; }
.eqflow-row { display: flex; flex-wrap: wrap; gap: 10px 18px; align-items: flex-start; }
.eqflow-views { flex: 1 1 300px; display: flex; flex-wrap: wrap; gap: 10px; max-width: 36rem; }
.eqflow-side { flex: 1 1 250px; display: flex; flex-direction: column; gap: 10px; min-width: 0; }
.eqflow-view { position: relative; flex: 1 1 260px; margin: 0; min-width: 0; }
.eqflow-view canvas { display: block; width: 100%; aspect-ratio: 1; border-radius: 8px;
  border: 1px solid var(--line); }
.eqflow-ring { position: absolute; pointer-events: none; aspect-ratio: 1; border-radius: 50%;
  border: solid #666; box-shadow: 0 0 0 1px #fff; }
.eqflow-view figcaption { font-size: 13px; color: var(--faint); margin: 2px 0 0; }
.eqflow-hint { position: absolute; left: 50%; bottom: 10px; transform: translateX(-50%);
  pointer-events: none; font-weight: 600; color: var(--paper); background: var(--key);
  padding: 5px 16px; border-radius: 20px; white-space: nowrap; }
.eqflow-bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.eqflow-live button, .eqflow-live select { font: inherit; font-size: 14px; color: var(--ink);
  background: var(--paper); border: 1px solid var(--faint); border-radius: 8px; padding: 4px 8px;
  min-height: 40px; margin: 0; cursor: pointer; }
.eqflow-live button[aria-pressed=true] { background: var(--key); border-color: var(--key);
  color: var(--paper); }
.eqflow-live :focus-visible { outline: 3px solid var(--key); outline-offset: 1px; }
.eqflow-controls { display: flex; flex-direction: column; gap: 6px; }
.eqflow-slider { display: block; }
.eqflow-name { display: flex; justify-content: space-between; gap: 1em; }
.eqflow-name output { font-variant-numeric: tabular-nums; }
.eqflow-live input[type=range] { width: 100%; height: 28px; margin: 0; accent-color: var(--key);
  cursor: pointer; }
.eqflow-live p { margin: 0; font-size: 14px; line-height: 1.4; color: var(--faint); }
.eqflow-figures { font-variant-numeric: tabular-nums; min-height: 1.4em; }
.eqflow-live .eqflow-error { color: #fff; background: #b3261e; padding: 6px 10px;
  border-radius: 8px; }
.eqflow-live[data-state=error] .eqflow-broken { opacity: 0.25; }
.eqflow-live [hidden] { display: none; }
`;

/** Put a panel of a kind into `root`, as this folder's README says; returns a function that ends it. */
export function mount(root, spec, Kind, link = null) {
  const stage = new Stage(root, spec, Kind, link);
  PANELS.push(stage);
  stage.start();
  if (!stage.broken) root.append(make("style", {}, onlyThisOne(spec.alt)));
  return () => stage.end();
}

/**
 * Beside a live panel no words that stand for it, nor its static picture: on pages that with the same
 * words, in JupyterLab, which gives pictures no words, that in the next output.
 */
function onlyThisOne(alt) {
  const next = ".jp-OutputArea-child:has(.eqflow-live) + .jp-OutputArea-child > .jp-RenderedImage";
  const twins = [".eqflow-live-slot > p", `img[alt=${JSON.stringify(alt)}]`, next];
  return twins.map((twin) => `${twin} { display: none; }`).join("\n");
}

/** A panel on a page.  Kinds use `views`, `bar`, `values`, `look`, `tell`, `wake` and `listen`. */
class Stage {
  constructor(root, spec, Kind, link) {
    Object.assign(this, { root, spec, Kind, link, canvases: [] });
    this.wanted = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.inView = false;
    this.broken = false; // an error that only starting again mends
    this.frames = 0;
    this.request = 0;
    this.told = 0;
    this.changes = new Map(); // of controls, until the next frame
    const given = (about) => (link ? this.linked(about) : about.value);
    this.values = Object.fromEntries(spec.controls.map((about) => [about.name, given(about)]));
    this.endings = [];
    this.build();
  }

  build() {
    const { root, spec } = this;
    root.classList.add("eqflow-live");
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", spec.title);
    Object.assign(root.dataset, { panel: spec.name, frames: 0, state: "paused" });
    this.views = make("div", { class: "eqflow-views" });
    this.bar = make("div", { class: "eqflow-bar" });
    this.figures = make("p", { class: "eqflow-figures" });
    this.status = make("p", { class: "eqflow-status", role: "status" });
    this.error = make("p", { class: "eqflow-error", role: "alert", hidden: "" });
    this.pause = button("Pause", () => this.want(!this.wanted));
    const again = button("Start again", () => this.restart());
    this.bar.append(this.pause, again);
    const side = make("div", { class: "eqflow-side" }, this.bar);
    if (!this.link) side.append(controls(spec.controls, (name, value) => this.change(name, value)));
    side.append(this.figures, this.status, this.error);
    if (spec.caption) side.append(make("p", { class: "eqflow-caption" }, spec.caption));
    const row = make("div", { class: "eqflow-row" }, this.views, side);
    root.replaceChildren(make("style", {}, STYLE), row);
    this.dress();
  }

  start() {
    this.guarded(() => {
      for (const about of this.spec.controls) {
        const wrong = complaint(about, this.values[about.name]);
        if (wrong) throw new RangeError(wrong);
      }
      if (!this.Kind) throw new TypeError(`no panel is of the kind ${this.spec.kind}`);
      this.kind = new this.Kind(this.spec, this);
    });
    for (const about of this.link ? this.spec.controls : []) {
      const event = `change:${about.name}`;
      const changed = () => this.change(about.name, this.linked(about));
      this.link.on(event, changed);
      this.endings.push(() => this.link.off(event, changed));
    }
    this.watch();
    this.showState();
    if (!this.wanted) this.tell("Paused, since your system asks for less motion. Press Play.");
  }

  /** The value of a linked widget; of a choice it has the index. */
  linked({ name, options }) {
    const value = this.link.get(name);
    return options ? options[value] : value;
  }

  /** Follow what happens around the panel: scrolling, hiding, resizing, themes. */
  watch() {
    const seen = new IntersectionObserver((entries) => {
      this.inView = entries.at(-1).isIntersecting;
      this.wake();
    });
    seen.observe(this.root);
    const sized = new ResizeObserver(() => this.resize());
    sized.observe(this.views);
    const themed = new MutationObserver(() => this.dress());
    const attributeFilter = ["data-theme", "theme", "data-jp-theme-light", "class"];
    for (const mark of [document.body, document.documentElement]) {
      themed.observe(mark, { attributes: true, attributeFilter });
    }
    this.listen(window.matchMedia("(prefers-color-scheme: dark)"), "change", () => this.dress());
    this.listen(document, "visibilitychange", () => this.wake());
    this.endings.push(() => [seen, sized, themed].forEach((observer) => observer.disconnect()));
  }

  /** Call `act` when something happens; what goes wrong in it is shown. */
  listen(target, event, act, options) {
    const guarded = (happened) => this.guarded(() => act(happened));
    target.addEventListener(event, guarded, options);
    this.endings.push(() => target.removeEventListener(event, guarded, options));
  }

  end() {
    cancelAnimationFrame(this.request);
    this.endings.forEach((ending) => ending());
    PANELS.splice(PANELS.indexOf(this), 1);
  }

  /** All is to be drawn anew, in another size or other colours. */
  resize() {
    this.guarded(() => {
      this.canvases.forEach((canvas) => canvas.resize());
      this.kind?.resize?.();
    });
    this.wake();
  }

  /** Take the colours of the page around. */
  dress() {
    const dark = isDark(this.root);
    if (this.look?.dark === dark) return;
    this.look = look(dark);
    for (const name of ["paper", "ink", "faint", "line", "key"]) {
      this.root.style.setProperty(`--${name}`, this.look[name]);
    }
    this.root.style.colorScheme = dark ? "dark" : "light";
    this.resize();
  }

  get moving() {
    return this.wanted && this.inView && !this.broken && !document.hidden;
  }

  /** Whether the reader wants motion. */
  want(motion) {
    this.wanted = motion;
    this.tell(motion ? "Running." : "Paused.");
    this.wake();
  }

  /** See that there will be a frame: one, or all that follow. */
  wake() {
    this.showState();
    if (this.request || !this.inView || this.broken) return;
    this.last = performance.now();
    this.request = requestAnimationFrame((now) => this.draw(now));
  }

  draw(now) {
    this.request = 0;
    const seconds = Math.min(LONGEST, Math.max(0, (now - this.last) / 1000));
    this.last = now;
    this.guarded(() => {
      for (const [name, value] of this.changes) this.kind.set(name, value);
      this.changes.clear();
      this.kind.frame(this.moving ? seconds : 0);
      this.root.dataset.frames = ++this.frames;
      if (now - this.told > SAYING) {
        this.told = now;
        this.figures.textContent = this.kind.say();
      }
    });
    if (this.moving) this.request = requestAnimationFrame((later) => this.draw(later));
    this.showState();
  }

  /** A control was moved: from the next frame on its value counts, if it is one. */
  change(name, value) {
    const about = this.spec.controls.find((each) => each.name === name);
    const wrong = complaint(about, value);
    if (wrong) return this.fail(new RangeError(wrong), false);
    if (!this.broken) this.forget();
    this.values[name] = value;
    this.changes.set(name, value);
    this.wake();
  }

  restart() {
    this.broken = false;
    this.forget();
    this.guarded(() => {
      this.kind ??= new this.Kind(this.spec, this);
      this.kind.restart();
    });
    this.tell("Started again.");
    this.wake();
  }

  /** Say in words what happened, also to a screen reader. */
  tell(words) {
    this.status.textContent = words;
  }

  guarded(act) {
    try {
      act();
    } catch (error) {
      this.fail(error, true);
    }
  }

  /** Show an error, and put it on the console; a fatal one ends the motion. */
  fail(error, fatal) {
    console.error(error);
    this.broken ||= fatal;
    this.views.classList.toggle("eqflow-broken", this.broken);
    this.error.textContent = `${error.message}. ${fatal ? "Press Start again." : ""}`;
    this.error.hidden = false;
    this.showState();
  }

  forget() {
    this.error.hidden = true;
    this.error.textContent = "";
    this.views.classList.remove("eqflow-broken");
  }

  showState() {
    const state = !this.error.hidden ? "error" : this.moving ? "running" : "paused";
    if (this.root.dataset.state !== state) this.root.dataset.state = state;
    this.pause.textContent = this.wanted ? "Pause" : "Play";
  }
}
