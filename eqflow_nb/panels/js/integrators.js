// Steps of ordinary and stochastic differential equations, in place.

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
  for (let stage = 0; stage < 4; stage++) {
    field(stage === 0 ? x : probe, slope);
    const weight = stage === 0 || stage === 3 ? 1 : 2, ahead = stage < 2 ? dt / 2 : dt;
    for (let i = 0; i < x.length; i++) {
      sum[i] = (stage === 0 ? 0 : sum[i]) + weight * slope[i];
      probe[i] = x[i] + ahead * slope[i];
    }
  }
  for (let i = 0; i < x.length; i++) x[i] += (dt / 6) * sum[i];
}

/**
 * One step of dx = b(x) dt + sqrt(2 eta) dW, in place: x += b dt + sqrt(2 eta dt) xi.  It is for
 * b = eta s alone: a flow that turns spirals outwards in such steps, so `rk4` moves that in between.
 */
export function eulerMaruyama(drift, x, dt, eta, random, { slope }) {
  const kick = Math.sqrt(2 * eta * dt);
  drift(x, slope);
  for (let i = 0; i < x.length; i++) x[i] += dt * slope[i] + kick * random.normal();
}
