"""The laws of the zoo, in the notation of their sources, with what it takes to sample them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

Exponents = tuple[int, ...]
Polynomial = dict[Exponents, float]

LETTERS = "xyzwvu"  # the coordinates, in order


class Entry(NamedTuple):
    """Equations, and the further attributes of a `System`."""

    equations: tuple[str, ...]
    start: tuple[float, ...]
    period: float
    step: float
    spacing: float
    lyapunov: float
    source: str
    fast_slow: bool = False

    def terms(self) -> tuple[Polynomial, ...]:
        """Each equation as exponents -> coefficient."""
        return tuple(parse(equation, len(self.equations)) for equation in self.equations)


def parse(equation: str, d: int) -> Polynomial:
    """Read a polynomial of d coordinates such as "28 x - x z - 8/3 y^2".

    Returns
    -------
    dict
        The coefficient of each monomial, by its exponents: x y of three coordinates is (1, 1, 0).
    """
    law: Polynomial = {}
    for sign, term in re.findall(r"([+-]?)\s*([^+-]+)", equation):
        coefficient, exponents = float(sign + "1"), [0] * d
        for factor in term.split():
            letter, _, power = factor.partition("^")
            if letter in LETTERS:
                exponents[LETTERS.index(letter)] += int(power or 1)
            else:
                coefficient *= float(Fraction(factor))
        key = tuple(exponents)
        law[key] = law.get(key, 0.0) + coefficient
    return law


SPROTT = "Sprott, Phys. Rev. E 50, R647 (1994)"

# Starts, periods, steps, spacings and exponents were measured over 200 trajectories on the
# attractor; the attributes of `System` say how each is meant.

# fmt: off
TABLE = {
    "lorenz": Entry(
        ("10 y - 10 x", "28 x - x z - y", "x y - 8/3 z"),
        (-4.189, -3.916, 22.49), 0.753, 0.0094, 1.5, 0.906,
        "Lorenz, J. Atmos. Sci. 20, 130 (1963)"),
    "rossler": Entry(
        ("-y - z", "x + 0.2 y", "0.2 + x z - 5.7 z"),
        (-4.759, -1.191, 0.019), 5.85, 0.037, 12, 0.0713, "Rössler, Phys. Lett. A 57, 397 (1976)"),
    "chen": Entry(
        ("35 y - 35 x", "-7 x - x z + 28 y", "x y - 3 z"),
        (11.39, 12.26, 22.97), 0.492, 0.0061, 0.98, 2.03,
        "Chen & Ueta, Int. J. Bifurcation Chaos 9, 1465 (1999)"),
    "lu": Entry(
        ("36 y - 36 x", "20 y - x z", "x y - 3 z"),
        (-12.99, -14.96, 19.69), 0.55, 0.0069, 1.6, 1.34,
        "Lü & Chen, Int. J. Bifurcation Chaos 12, 659 (2002)"),
    "sprott_b": Entry(
        ("y z", "x - y", "1 - x y"),
        (-0.398, -2.137, -3.155), 6.51, 0.054, 13, 0.21, SPROTT),
    "sprott_c": Entry(
        ("y z", "x - y", "1 - x^2"),
        (0.8331, 0.5752, 1.18), 6.01, 0.05, 36, 0.164, SPROTT),
    "sprott_d": Entry(
        ("-y", "x + z", "x z + 3 y^2"),
        (-0.8393, 0.3518, 0.6435), 5.54, 0.046, 11, 0.102, SPROTT),
    "sprott_e": Entry(
        ("y z", "x^2 - y", "1 - 4 x"),
        (0.1838, 0.02244, 4.185), 6.48, 0.054, 13, 0.0776, SPROTT),
    "sprott_f": Entry(
        ("y + z", "-x + 0.5 y", "x^2 - z"),
        (-1.417, -0.8188, 1.35), 8.76, 0.073, 18, 0.117, SPROTT),
    "sprott_g": Entry(
        ("0.4 x + z", "x z - y", "-x + y"),
        (0.6098, -0.07623, -0.483), 5.83, 0.097, 12, 0.0339, SPROTT),
    "sprott_h": Entry(
        ("-y + z^2", "x + 0.5 y", "x - z"),
        (1.281, 2.235, 1.179), 6.33, 0.079, 19, 0.117, SPROTT),
    "sprott_k": Entry(
        ("x y - z", "x - y", "x + 0.3 z"),
        (-0.02269, 0.5902, 1.885), 7.04, 0.088, 14, 0.0378, SPROTT),
    "sprott_n": Entry(
        ("-2 y", "x + z^2", "1 + y - 2 z"),
        (-14.51, -13.37, -2.273), 4.83, 0.06, 9.7, 0.076, SPROTT),
    "sprott_p": Entry(
        ("2.7 y + z", "-x + y^2", "x + y"),
        (-0.2191, -0.2188, 0.1786), 5.83, 0.097, 12, 0.0872, SPROTT),
    "sprott_s": Entry(
        ("-x - 4 y", "x + z^2", "1 + x"),
        (1.112, -0.3696, 0.2824), 3.3, 0.055, 6.6, 0.187, SPROTT),
    "sprott_jerk": Entry(
        ("y", "z", "-x + y^2 - 2.017 z"),
        (-0.2639, 0.7617, 0.4341), 12, 0.075, 24, 0.0553, "Sprott, Phys. Lett. A 228, 271 (1997)"),
    "rucklidge": Entry(
        ("-2 x + 6.7 y - y z", "x", "-z + y^2"),
        (0.6759, 3.47, 7.438), 3.61, 0.06, 7.2, 0.192,
        "Rucklidge, J. Fluid Mech. 237, 209 (1992)"),
    "halvorsen": Entry(
        ("-1.4 x - 4 y - 4 z - y^2", "-1.4 y - 4 z - 4 x - z^2", "-1.4 z - 4 x - 4 y - x^2"),
        (-9.43, -4.975, 2.262), 1.4, 0.012, 2.8, 0.68,
        "Sprott, Elegant Chaos (World Scientific, 2010)"),
    "rikitake": Entry(
        ("-x + y z", "-y - x + x z", "1 - x y"),
        (-2.541, -1.025, -0.6979), 5.03, 0.042, 15, 0.127,
        "Rikitake, Math. Proc. Camb. Phil. Soc. 54, 89 (1958)"),
    "burke_shaw": Entry(
        ("-10 x - 10 y", "y - 10 x z", "10 x y + 13"),
        (-0.1261, 0.3427, 4.674), 0.585, 0.0049, 1.2, 2.33,
        "Shaw, Z. Naturforsch. A 36, 80 (1981)"),
    "genesio_tesi": Entry(
        ("y", "z", "-x - 1.1 y - 0.44 z + x^2"),
        (0.6035, -0.443, -0.4046), 6.12, 0.1, 12, 0.103,
        "Genesio & Tesi, Automatica 28, 531 (1992)"),
    "dadras": Entry(
        ("y - 3 x + 2.7 y z", "1.7 y - x z + z", "2 x y - 9 z"),
        (0.5582, 4.783, 0.1945), 2.35, 0.0098, 4.7, 0.373,
        "Dadras & Momeni, Phys. Lett. A 373, 3637 (2009)"),
    "finance": Entry(
        ("4.999 x + z + x y", "-0.2 y - x^2", "-x - 1.1 z"),
        (-1.176, -5.592, 1.271), 4.6, 0.058, 9.2, 0.0899,
        "Cai & Huang, Int. J. Nonlinear Sci. 3 (2007)"),
    "hadley": Entry(
        ("1.8 - y^2 - z^2 - 0.2 x", "x y - 4 x z - y + 1", "4 x y + x z - z"),
        (1.399, -0.5322, 1.082), 1.54, 0.026, 4.6, 0.208,
        "Lorenz, Tellus A 36, 98 (1984), with the parameters of dysts' Hadley"),
    "lorenz84": Entry(
        ("6.3756 - 1.32 x - y^2 - z^2", "4.194 - y + x y - 7.91 x z", "-z + 7.91 x y + x z"),
        (0.4544, 1.014, -1.39), 0.959, 0.012, 3.8, 0.428, "Lorenz, Tellus A 36, 98 (1984)"),
    "vallis": Entry(
        ("102 y - 3 x", "-y + x z", "1 - z - x y"),
        (0.676, 0.1228, 0.2536), 1.19, 0.015, 2.4, 0.555,
        "Vallis, J. Geophys. Res. 93, 13979 (1988)"),
    "shimizu_morioka": Entry(
        ("y", "x - 0.85 y - x z", "-0.5 z + x^2"),
        (-0.8235, -0.2567, 0.7478), 9.28, 0.15, 19, 0.0356,
        "Shimizu & Morioka, Phys. Lett. A 76, 201 (1980)"),
    "pehlivan_wei": Entry(
        ("y - y z", "y + y z - 2 x", "2 - x y - y^2"),
        (-0.2527, -0.7252, -3.309), 3.04, 0.038, 6.1, 0.0687,
        "Pehlivan & Wei (2012), as in dysts"),
    "chen_lee": Entry(
        ("5 x - y z", "-10 y + x z", "-0.38 z + 1/3 x y"),
        (0.3404, 0.3688, 8.799), 1.66, 0.014, 5, 0.14,
        "Chen & Lee, Chaos Solitons Fractals 21, 957 (2004)"),
    "wang_sun": Entry(
        ("0.2 x + y z", "-0.01 x - 0.4 y - x z", "-z - x y"),
        (-1.583, 0.5883, 0.4791), 29.3, 0.092, 88, 0.0644,
        "Wang et al., Braz. J. Phys. 39, 547 (2009)"),
    "qi_chen": Entry(
        ("38 y - 38 x + y z", "80 x + y - x z", "x y - 2.666 z"),
        (26.73, 15.77, 67.7), 0.233, 0.0019, 0.47, 4.04,
        "Qi et al., Chaos Solitons Fractals (2008), as in dysts"),
    "atmospheric_regime": Entry(
        ("0.05 x + 1.1 x y", "-0.01 y + 3 z - 2 y z - 5 z^2 - 1.1 x^2",
         "-0.01 z - 3 y + 2 y^2 + 5 y z"),
        (0.003935, 0.2264, 0.4883), 17.8, 0.028, 71, 0.0105,
        "Tuwankotta, Int. J. Non-Linear Mech. 41, 180 (2006)", True),
    "aizawa": Entry(
        ("x z - 0.7 x - 3.5 y", "3.5 x + y z - 0.7 y",
         "0.6 + 0.95 z - 1/3 z^3 - x^2 - y^2 - 0.25 x^2 z - 0.25 y^2 z + 0.1 x^3 z"),
        (0.1014, 0.5839, 1.682), 1.79, 0.045, 5.4, 0.0959,
        "Aizawa & Uezu, Prog. Theor. Phys. 67, 982 (1982), as in dysts"),
    "rabinovich_fabrikant": Entry(
        ("y z - y + x^2 y + 0.87 x", "3 x z + x - x^3 + 0.87 y", "-2.2 z - 2 x y z"),
        (-1.369, 1.706, 0.4997), 2.62, 0.044, 5.2, 0.198,
        "Rabinovich & Fabrikant, Sov. Phys. JETP 50, 311 (1979)"),
    "moore_spiegel": Entry(
        ("y", "10 z", "-z + 9 y - x^2 y - 4 x"),
        (5.266, -23.18, -10.39), 0.439, 0.0073, 2.6, 0.165,
        "Moore & Spiegel, Astrophys. J. 143, 871 (1966)"),
    "arneodo": Entry(
        ("y", "z", "5.5 x - 4.5 y - z - x^3"),
        (-1.934, 0.7313, -1.398), 2.9, 0.048, 190, 0.202,
        "Arneodo, Coullet & Tresser, Phys. Lett. A 79, 259 (1980)"),
    "hindmarsh_rose": Entry(
        ("y - x^3 + 3 x^2 - z + 3.25", "1 - 5 x^2 - y", "0.024 x + 0.0384 - 0.006 z"),
        (0.837, 0.1461, 3.193), 23.9, 0.025, 96, 0.0134,
        "Hindmarsh & Rose, Proc. R. Soc. B 221, 87 (1984)", True),
    "hindmarsh_rose_marhl": Entry(
        ("-x + 100/3 y - 49/3 x^3 + 100/3 x^2 + 100/3 z", "-0.49 x^3 + z",
         "-1.25 x - 1.25 z + 0.04025"),
        (-0.2502, -0.05368, -0.01225), 1.29, 0.0027, 7.7, 0.215,
        "Marhl & Perc, Chaos Solitons Fractals (2005), as in dysts", True),
    "laser": Entry(
        ("10 y - 10 x + y z^2", "5 x - x z^2", "-5 z - 6 x^2"),
        (-0.5506, -0.5454, -1.091), 1.17, 0.0049, 2.3, 0.578,
        "Abooee et al., Commun. Nonlinear Sci. (2013), as in dysts"),
    "guckenheimer_holmes": Entry(
        ("0.4 x - 20.25 y + 3 x z + 1.6 x^2 z + 1.6 y^2 z", "0.4 y + 20.25 x + 3 y z",
         "1.7 - z^2 - 0.44 x^2 - 0.44 y^2 - 0.4 z^3"),
        (-1.144, 2.453, 0.5381), 0.316, 0.0079, 3.8, 0.455,
        "Guckenheimer & Holmes, Nonlinear Oscillations (Springer, 1983), as in dysts"),
    "chua_cubic": Entry(
        ("10 y - 20/7 x^3 + 10/7 x", "x - y + z", "-100/7 y"),
        (0.6823, 0.04726, -0.4748), 2.32, 0.039, 14, 0.321,
        "Hartley, Proc. American Control Conf. (1989)"),
    "hyper_rossler": Entry(
        ("-y - z", "x + 0.25 y + w", "3 + x z", "-0.5 z + 0.05 w"),
        (-4.776, -0.5279, 0.577, 21.69), 6.85, 0.007, 48, 0.113,
        "Rössler, Phys. Lett. A 71, 155 (1979)", True),
    "hyper_lorenz": Entry(
        ("10 y - 10 x + w", "28 x - x z - y", "x y - 2.667 z", "1.1 w - x z"),
        (-3.191, -2.166, 35.72, 99.13), 0.633, 0.0079, 3.8, 0.261, "dysts' HyperLorenz"),
    "hyper_lu": Entry(
        ("36 y - 36 x + w", "20 y - x z", "x y - 3 z", "x z + w"),
        (1.991, 2.476, 18.68, -14.85), 0.556, 0.007, 6.7, 0.931,
        "Chen, Lu, Lü & Yu, Physica A 364, 103 (2006)"),
    "hyper_chen": Entry(
        ("35 y - 35 x + w", "7 x - x z + 12 y", "x y - 3 z", "y z + 0.5 w"),
        (-3.292, -6.439, 19.83, 62.28), 0.596, 0.0075, 2.4, 0.537,
        "Li, Tang & Chen, Int. J. Bifurcation Chaos 15, 3367 (2005)"),
    "hyper_pang": Entry(
        ("36 y - 36 x", "20 y - x z + w", "x y - 3 z", "-2 x - 2 y"),
        (11.69, 7.066, 28.31, -41.79), 0.554, 0.0069, 4.4, 1.42,
        "Pang & Liu, J. Comput. Appl. Math. 235, 2775 (2011)"),
    "hyper_bao": Entry(
        ("36 y - 36 x + w", "20 y - x z", "x y - 3 z", "21 x + 0.1 y z"),
        (10.96, 8.78, 30.96, -31.7), 0.568, 0.0071, 6.8, 0.754,
        "Bao & Liu, Chin. Phys. Lett. 25, 2396 (2008)"),
    "hyper_qi": Entry(
        ("50 y - 50 x + y z", "24 x + 24 y - x z", "-13 z - 33 w + x y", "-8 w + 30 z + x y"),
        (-60.97, -74.91, 48.37, -168.9), 0.0661, 0.00028, 0.2, 12.5,
        "Qi, van Wyk, van Wyk & Chen, Phys. Lett. A 372, 124 (2008)"),
    "hyper_xu": Entry(
        ("10 y - 10 x + w", "40 x + 16 x z", "-2.5 z - x y", "x z - 2 y"),
        (-2.997, -3.11, -2.344, -6.049), 0.602, 0.0075, 19, 0.994,
        "dysts' HyperXu; Letellier & Rössler, Scholarpedia 2, 1936 (2007)"),
    "qi": Entry(
        ("45 y - 45 x + y z w", "10 x + 10 y - x z w", "-z + x y w", "-10 w + x y z"),
        (1.686, 0.3191, 7.932, 3.197), 0.339, 0.0028, 0.68, 2.16,
        "Qi et al., Chaos Solitons Fractals 23, 1671 (2005)"),
    "lorenz_stenflo": Entry(
        ("2 y - 2 x + 1.5 w", "26 x - x z - y", "x y - 0.7 z", "-x - 2 w"),
        (5.964, 1.263, 32.99, -2.03), 1.82, 0.023, 3.6, 0.382,
        "Stenflo, Phys. Scr. 53, 83 (1996)"),
    "lotka_volterra": Entry(
        ("x - x^2 - 1.09 x y - 1.52 x z", "0.72 y - 0.72 y^2 - 0.3168 y z - 0.9792 y w",
         "1.53 z - 3.5649 x z - 1.53 z^2 - 0.7191 z w",
         "1.27 w - 1.5367 x w - 0.6477 y w - 0.4445 z w - 1.27 w^2"),
        (0.3041, 0.4797, 0.111, 0.3522), 31.2, 0.26, 94, 0.0203,
        "Vano et al., Nonlinearity 19, 2391 (2006)"),
    "lorenz96_4": Entry(
        ("20 + y w - z w - x", "20 + z x - w x - y", "20 + w y - x y - z", "20 + x z - y z - w"),
        (0.4431, 2.578, 5.488, 17.65), 0.842, 0.007, 1.7, 1.21,
        "Lorenz, Proc. Seminar on Predictability, ECMWF, vol. 1 (1996)"),
    "lorenz96_5": Entry(
        ("8 + y v - w v - x", "8 + z x - v x - y", "8 + w y - x y - z", "8 + v z - y z - w",
         "8 + x w - z w - v"),
        (-1.504, -1.281, 2.777, 8.743, 3.389), 1.16, 0.015, 2.3, 0.475,
        "Lorenz, Proc. Seminar on Predictability, ECMWF, vol. 1 (1996)"),
    "navier_stokes_5": Entry(
        ("-2 x + 4 y z + 4 w v", "-9 y + 3 x z", "-5 z - 7 x y + 33", "-5 w - x v", "-v - 3 x w"),
        (-0.8253, -0.6252, 1.931, 1.071, 3.307), 0.694, 0.0087, 1.4, 0.413,
        "Boldrighini & Franceschini, Commun. Math. Phys. 64, 159 (1979)"),
    "lorenz_5": Entry(
        ("10 y - 10 x", "50 x - x z - y", "x y - x w - 8/3 z", "x z - 2 x v - 19/3 w",
         "2 x w - 32/3 v"),
        (8.284, 17.2, 24.04, 7.913, 7.648), 0.53, 0.0044, 1.1, 1.3,
        "Shen, J. Atmos. Sci. 71, 1701 (2014)"),
    "lorenz96_6": Entry(
        ("8 + y u - v u - x", "8 + z x - u x - y", "8 + w y - x y - z", "8 + v z - y z - w",
         "8 + u w - z w - v", "8 + x v - w v - u"),
        (4.244, 3.715, 8.124, 7.144, 2.522, 5.321), 1.19, 0.015, 2.4, 0.955,
        "Lorenz, Proc. Seminar on Predictability, ECMWF, vol. 1 (1996)"),
    "lorenz_coupled": Entry(
        ("10 y - 10 x", "35 x - x z - y", "x y - 2.667 z", "10 v - 10 w + 2.85 x - 2.85 w",
         "1.15 w - w u - v", "w v - 2.667 u"),
        (9.061, 12.62, 29.27, 0.5699, -0.9118, 0.5664), 0.666, 0.0083, 2.7, 1.05,
        "dysts' LorenzCoupled"),
    "rossler_pair": Entry(
        ("-1.015 y - z + 0.02 w - 0.02 x", "1.015 x + 0.15 y", "0.2 + x z - 10 z",
         "-0.985 v - u + 0.02 x - 0.02 w", "0.985 w + 0.15 v", "0.2 + w u - 10 u"),
        (10.26, -1.861, 0.1406, 3.384, -15.49, 0.0243), 5.76, 0.024, 12, 0.0684,
        "Rosenblum, Pikovsky & Kurths, Phys. Rev. Lett. 76, 1804 (1996)"),
    "two_scale_lorenz": Entry(
        ("10 y - 10 x", "28 x - x z - y", "x y - 8/3 z", "100 v - 100 w",
         "10 y + 450 w - 10 w u - 10 v", "10 w v - 80/3 u"),
        (15.73, 16.7, 35.89, -8.582, -2.352, 61.12), 0.0732, 0.00061, 1.8, 11.7,
        "Boffetta et al., J. Atmos. Sci. 55, 3409 (1998)", True),
}
