// Sliders, choices, buttons: plain elements of the page, with labels, for keyboard and finger.

/** An element with attributes, and words or elements in it. */
export function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...content);
  return element;
}

export function button(label, press, about) {
  const made = make("button", { type: "button", title: about }, label);
  made.addEventListener("click", () => press(made));
  return made;
}

/** A button that is on or off; `flip(on)` is called with what it becomes. */
export function toggle(label, on, flip, about) {
  const made = button(label, () => set(made.getAttribute("aria-pressed") !== "true"), about);
  const set = (value) => {
    made.setAttribute("aria-pressed", value);
    flip(value);
  };
  made.setAttribute("aria-pressed", on);
  return made;
}

/** A choice between names. */
export function choice(value, options, choose, attributes = {}) {
  const select = make("select", attributes);
  for (const option of options) select.append(make("option", { value: option }, option));
  select.value = value;
  select.addEventListener("change", () => choose(select.value));
  return select;
}

/** A slider with its label and its value as text. */
function slider(about, value, change) {
  const { min, max, step } = about;
  const input = make("input", { type: "range", min, max, step });
  input.value = value;
  const output = make("output", {}, shown(about, value));
  input.addEventListener("input", () => {
    output.textContent = shown(about, input.valueAsNumber);
    input.setAttribute("aria-valuetext", output.textContent);
    change(input.valueAsNumber);
  });
  const head = make("span", { class: "eqflow-name" }, make("span", {}, about.label), output);
  return make("label", { class: "eqflow-slider" }, head, input);
}

/** What a control's value looks like as text. */
export function shown(about, value) {
  return Number(value).toFixed(about.digits).replace("-", "\u2212");
}

/** All controls of a panel; `change(name, value)` is called as one is moved. */
export function controls(abouts, change) {
  const box = make("div", { class: "eqflow-controls" });
  for (const about of abouts) {
    const changed = (value) => change(about.name, value);
    const { label, value, options } = about;
    box.append(options ? make("label", {}, `${label} `, choice(value, options, changed))
      : slider(about, value, changed));
  }
  return box;
}

/** In words, what is wrong with a value for a control; nothing if it will do. */
export function complaint(about, value) {
  if (about.options) {
    if (about.options.includes(value)) return "";
    return `${about.label} is ${value}; known are ${about.options.join(", ")}`;
  }
  if (typeof value === "number" && Number.isFinite(value)) return "";
  return `${about.label} is ${value}; it must be a finite number`;
}
