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
 * One step of Heun's method, in place, for dx = eta sigma^2 s dt + sqrt(2 eta) sigma dW, with sigma for
 * the coordinates in turn.  It keeps p, whatever flow `rk4` moves the states by between two such steps.
 */
export function langevin(score, x, dt, eta, random, { slope, sum, probe }, sigma = [1]) {
  score(x, slope);
  for (let i = 0; i < x.length; i++) {
    const c = sigma[i % sigma.length], kick = c * Math.sqrt(2 * eta * dt) * random.normal();
    sum[i] = x[i] + kick + (dt / 2) * eta * c * c * slope[i];
    probe[i] = x[i] + kick + dt * eta * c * c * slope[i];
  }
  score(probe, slope);
  for (let i = 0; i < x.length; i++) x[i] = sum[i] + (dt / 2) * eta * sigma[i % sigma.length] ** 2 * slope[i];
}
