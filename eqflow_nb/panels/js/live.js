// What every live panel has: when it moves and when it rests, its buttons, its words, its errors.
// `eqflowStyle` is the text of live.css, which Python puts before the modules as it joins them.

import { button, complaint, controls, make } from "./controls.js";
import { isDark, look } from "./colours.js";

export const PANELS = []; // that are mounted

const LONGEST = 0.05; // seconds that one frame may move on: after a sleep nothing jumps
const SAYING = 500; // milliseconds between two figures shown

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
  return `.eqflow-live-slot > p, img[alt=${JSON.stringify(alt)}] { display: none; } ${next} { display: none; }`;
}

/** A panel on a page.  Kinds use `views`, `bar`, `values`, `look`, `tell`, `wake` and `listen`. */
class Stage {
  constructor(root, spec, Kind, link) {
    Object.assign(this, { root, spec, Kind, link, canvases: [], endings: [] });
    this.wanted = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.inView = false;
    this.broken = false; // an error that only starting again mends
    this.frames = this.request = this.last = this.told = 0;
    this.changes = new Map(); // of controls, until the next frame
    this.values = Object.fromEntries(spec.controls.map((about) => [about.name, this.given(about)]));
    this.build();
  }

  /** A control's value at first, or that of the widget it is linked with: of a choice this has the index. */
  given({ name, value, options }) {
    if (!this.link) return value;
    return options ? options[this.link.get(name)] : this.link.get(name);
  }

  build() {
    const { root, spec } = this;
    root.classList.add("eqflow-live");
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", spec.title);
    Object.assign(root.dataset, { panel: spec.name, frames: 0, state: "paused" });
    this.views = make("div", { class: "eqflow-views" });
    this.figures = make("p", { class: "eqflow-figures" });
    this.status = make("p", { class: "eqflow-status", role: "status" });
    this.error = make("p", { class: "eqflow-error", role: "alert", hidden: "" });
    this.pause = button("Pause", () => this.want(!this.wanted));
    this.bar = make("div", { class: "eqflow-bar" }, this.pause, button("Start again", () => this.restart()));
    const sliders = controls(this.link ? [] : spec.controls, (name, value) => this.change(name, value));
    const words = [this.figures, this.status, this.error, make("p", {}, spec.caption ?? "")];
    const side = make("div", { class: "eqflow-side" }, this.bar, sliders, ...words);
    root.replaceChildren(make("style", {}, eqflowStyle), make("div", { class: "eqflow-row" }, this.views, side));
    this.dress();
  }

  start() {
    this.guarded(() => (this.kind = new this.Kind(this.spec, this)));
    this.watch();
    this.showState();
    if (!this.wanted) this.tell("Paused, since your system asks for less motion. Press Play.");
  }

  /** Follow what happens around the panel: linked sliders, scrolling, hiding, resizing, themes. */
  watch() {
    for (const about of this.link ? this.spec.controls : []) {
      const event = `change:${about.name}`, changed = () => this.change(about.name, this.given(about));
      this.link.on(event, changed);
      this.endings.push(() => this.link.off(event, changed));
    }
    const seen = new IntersectionObserver((entries) => {
      this.inView = entries.at(-1).isIntersecting;
      this.wake();
    });
    seen.observe(this.root);
    const sized = new ResizeObserver(() => this.resize());
    sized.observe(this.views);
    const themed = new MutationObserver(() => this.dress());
    for (const mark of [document.body, document.documentElement]) {
      themed.observe(mark, { attributeFilter: ["data-theme", "theme", "data-jp-theme-light", "class"] });
    }
    this.endings.push(() => [seen, sized, themed].forEach((observer) => observer.disconnect()));
    this.listen(window.matchMedia("(prefers-color-scheme: dark)"), "change", () => this.dress());
    this.listen(document, "visibilitychange", () => this.wake());
  }

  /** Call `act` when something happens; what goes wrong in it is shown. */
  listen(target, event, act) {
    const guarded = (happened) => this.guarded(() => act(happened));
    target.addEventListener(event, guarded);
    this.endings.push(() => target.removeEventListener(event, guarded));
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
    const dark = isDark(this.root), { style } = this.root;
    if (this.look?.dark === dark) return;
    this.look = look(dark);
    for (const name of ["paper", "ink", "faint", "line", "key"]) style.setProperty(`--${name}`, this.look[name]);
    style.colorScheme = dark ? "dark" : "light";
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
    this.request = requestAnimationFrame((now) => this.draw(now));
  }

  draw(now) {
    const seconds = this.moving ? Math.min(LONGEST, Math.max(0, (now - this.last) / 1000)) : 0;
    this.last = now;
    this.guarded(() => {
      for (const [name, value] of this.changes) this.kind.set?.(name, value);
      this.changes.clear();
      this.kind.frame?.(seconds);
      this.root.dataset.frames = ++this.frames;
      if (now - this.told > SAYING) {
        this.told = now;
        this.figures.textContent = this.kind.say?.() ?? "";
      }
    });
    this.request = 0; // from here on: what is woken by a change of a control is in this frame
    if (this.moving) this.wake();
    this.showState();
  }

  /** A control was moved: from the next frame on its value counts, if it is one. */
  change(name, value) {
    const wrong = complaint(this.spec.controls.find((each) => each.name === name), value);
    if (wrong) return this.fail(new RangeError(wrong), false);
    if (!this.broken) this.fail(null);
    this.values[name] = value;
    this.changes.set(name, value);
    this.wake();
  }

  restart() {
    this.broken = false;
    this.fail(null);
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

  /** Hand a value to Python, if there is one. */
  hand(name, value) {
    this.link?.set(name, value);
    this.link?.save_changes();
  }

  guarded(act) {
    try {
      act();
    } catch (error) {
      this.fail(error, true);
    }
  }

  /** Show an error, and put it on the console; a fatal one ends the motion.  Null: all is well again. */
  fail(error, fatal = false) {
    if (error) console.error(error);
    this.broken ||= fatal;
    this.views.classList.toggle("eqflow-broken", this.broken);
    this.error.textContent = error ? `${error.message}. ${fatal ? "Press Start again." : ""}` : "";
    this.error.hidden = !error;
    this.showState();
  }

  showState() {
    const state = !this.error.hidden ? "error" : this.moving ? "running" : "paused";
    if (this.root.dataset.state !== state) this.root.dataset.state = state;
    this.pause.textContent = this.wanted ? "Pause" : "Play";
  }
}
