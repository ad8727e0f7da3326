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
  made.addEventListener("click", press);
  return made;
}

/** A button that is on or off; `flip(on)` is called with what it becomes. */
export function toggle(label, on, flip, about) {
  const made = button(label, () => {
    on = !on;
    made.setAttribute("aria-pressed", on);
    flip(on);
  }, about);
  made.setAttribute("aria-pressed", on);
  return made;
}

/** A choice between names. */
export function choice(value, options, choose, attributes = {}) {
  const select = make("select", attributes, ...options.map((option) => make("option", { value: option }, option)));
  select.value = value;
  select.addEventListener("change", () => choose(select.value));
  return select;
}

/** A slider with its label and its value as text. */
function slider({ label, value, min, max, step, digits }, change) {
  const input = make("input", { type: "range", min, max, step, value }), output = make("output", {});
  const tell = () => {
    output.textContent = input.valueAsNumber.toFixed(digits).replace("-", "\u2212");
    input.setAttribute("aria-valuetext", output.textContent);
  };
  tell();
  input.addEventListener("input", () => {
    tell();
    change(input.valueAsNumber);
  });
  return make("label", {}, make("span", { class: "eqflow-name" }, make("span", {}, label), output), input);
}

/** All controls of a panel; `change(name, value)` is called as one is moved. */
export function controls(abouts, change) {
  return make("div", { class: "eqflow-controls" }, ...abouts.map((about) => {
    const { name, label, value, options } = about, changed = (chosen) => change(name, chosen);
    return options ? make("label", {}, `${label} `, choice(value, options, changed)) : slider(about, changed);
  }));
}

/** In words, what is wrong with a value for a control; nothing if it will do. */
export function complaint({ label, options }, value) {
  if (options) return options.includes(value) ? "" : `${label} is ${value}; known are ${options.join(", ")}`;
  return Number.isFinite(value) ? "" : `${label} is ${value}; it must be a finite number`;
}
