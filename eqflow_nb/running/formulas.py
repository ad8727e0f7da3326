"""Formulas as MathML, which browsers draw by themselves: no script, no font, no network."""

import html
import re

TAG = re.compile(r"\\tag\{(.*?)\}")
# What the converter leaves open and browsers can't know: a sign after another sign is not a
# difference, |x| no "such that", a slash needs no room, a function's name does, and a few letters.
_NAMES = "(?:log|sin|cos|det|max|min)"
MENDED = (
    (
        r"(<mo[^>]*>&#x(?!000(?:29|5D|7C|7D);)\w+;</mo><mo)(?=>&#x0(2212|00B1);)",
        r'\1 form="prefix"',
    ),
    (r'<mo stretchy="false">(?=&#x0007C;)', '<mo stretchy="false" lspace="0" rspace="0">'),
    (r"<mo>(?=&#x0002F;)", '<mo lspace=".05em" rspace=".05em">'),
    (rf"<m[io][^>]*>({_NAMES})</m[io]>(?=<mo)", r'<mo lspace=".17em" rspace="0">\1</mo>'),
    (rf"<mi>({_NAMES})</mi>", r'<mo lspace=".17em" rspace=".17em">\1</mo>'),
    (r"<mi>(?=&#x0039[0-9A-F];|&#x003A[0-9];)", '<mi mathvariant="normal">'),  # capital Greek
    (r"<mi>:</mi><mo>&#x0003D;</mo>", "<mo>≔</mo>"),
    (r"<mi>&#x0007E;</mi>", "<mo>∼</mo>"),
)


def mathml(latex: str, display: bool = False) -> str:
    """A formula in LaTeX as HTML, or as it is; one on a line of its own has its number."""
    from latex2mathml.converter import convert  # slow to load

    number, text = TAG.search(latex), TAG.sub("", latex).strip()
    try:
        made = convert(text, display="block" if display else "inline")
    except Exception:  # of any kind: the converter walks into whatever was written
        made = ""
    if not made or "<mi>\\" in made:  # a command that it doesn't know
        made = f"<code>{html.escape(text)}</code>"
    made = made.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    for wrong, right in MENDED:
        made = re.sub(wrong, right, made)
    if not display:
        return made
    tag = f"<span>({html.escape(number[1])})</span>" if number else ""
    return f'<span class="formula">{made}{tag}</span>'
