// Runs in the reader's browser: adds names to what is on the page, asks nothing of any host.
(() => {
  if (window.eqflowLabels) return;
  const set = (element, name, value) => {
    if (element && value && element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const text = (element) => element ? element.textContent.trim() : '';
  const name = () => {
    for (const box of document.querySelectorAll('.widget-slider, .widget-hslider')) {
      const handle = box.querySelector('[role=slider]');
      set(handle, 'aria-label', text(box.querySelector('.widget-label')));
      set(handle, 'aria-valuetext', text(box.querySelector('.widget-readout')));
    }
    for (const box of document.querySelectorAll('.widget-dropdown, .widget-text')) {
      set(box.querySelector('select, input'), 'aria-label', text(box.querySelector('label')));
    }
    for (const readout of document.querySelectorAll('.widget-readout[contenteditable]')) {
      const label = text(readout.parentElement.querySelector('.widget-label'));
      set(readout, 'role', 'textbox');
      set(readout, 'aria-label', label ? label + ', number' : '');
    }
    for (const film of document.querySelectorAll('img.eqflow-film')) {
      set(film, 'alt', 'film of the life of the creature');
    }
    for (const box of document.querySelectorAll('.eqflow-named')) {
      set(box.querySelector('img.widget-image'), 'alt', text(box.querySelector('.eqflow-name')));
    }
    for (const line of document.querySelectorAll('.eqflow-status')) {
      if (!line.querySelector('[role=status]')) set(line, 'role', 'status');
    }
  };
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => { waiting = false; name(); }, 100);
  };
  window.eqflowLabels = new MutationObserver(later);
  window.eqflowLabels.observe(document.body, { childList: true, subtree: true, characterData: true });
  name();
})();
