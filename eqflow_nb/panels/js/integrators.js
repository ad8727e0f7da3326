/** What a step of states x (length) writes into: made once, so that no step allocates. */
export function workspace(length) {
  const [slope, sum, probe] = [0, 1, 2].map(() => new Float64Array(length));
  return { slope, sum, probe };
}

/**
 * One step of dx/dt = v(x), in place, by the classical fourth-order Runge-Kutta method.  The field
 * is a function (x, out) of all states at once.
 */
export function rk4(field, x, dt, { slope, sum, probe }) {
  const n = x.length;
  field(x, slope);
  for (let i = 0; i < n; i++) {
    sum[i] = slope[i];
    probe[i] = x[i] + (dt / 2) * slope[i];
  }
  field(probe, slope);
  for (let i = 0; i < n; i++) {
    sum[i] += 2 * slope[i];
    probe[i] = x[i] + (dt / 2) * slope[i];
  }
  field(probe, slope);
  for (let i = 0; i < n; i++) {
    sum[i] += 2 * slope[i];
    probe[i] = x[i] + dt * slope[i];
  }
  field(probe, slope);
  for (let i = 0; i < n; i++) x[i] += (dt / 6) * (sum[i] + slope[i]);
}

/** One step of dx = b(x) dt + sqrt(2 eta) dW, in place: x += b dt + sqrt(2 eta dt) xi. */
export function eulerMaruyama(drift, x, dt, eta, random, { slope }) {
  const kick = Math.sqrt(2 * eta * dt);
  drift(x, slope);
  for (let i = 0; i < x.length; i++) x[i] += dt * slope[i] + kick * random.normal();
}

/**
 * One step of the same by Heun's method, the mean of two drifts: for a flow that turns and noise
 * together, since Euler's step spirals outwards.  Moments are right to order dt^2.
 */
export function heun(drift, x, dt, eta, random, { slope, sum, probe }) {
  const kick = Math.sqrt(2 * eta * dt), n = x.length;
  drift(x, sum);
  for (let i = 0; i < n; i++) {
    x[i] += kick * random.normal();
    probe[i] = x[i] + dt * sum[i];
  }
  drift(probe, slope);
  for (let i = 0; i < n; i++) x[i] += (dt / 2) * (sum[i] + slope[i]);
}
