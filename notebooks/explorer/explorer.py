# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Equilibrium flow: every panel of the course
#
# > What happens when you turn the knobs?
#
# A cloud or an image that stands still, and the motions that would keep it looking the same. Open a tab, move a
# slider, and predict first what you will see. By keyboard: Tab goes from knob to knob, and arrow keys
# move a slider; on the tabs' names they go from one to the next, and Enter opens it. `make explore`
# serves this page; the chapters explain what it shows.

# %%
import torch

from eqflow_nb.panels.explorer import Explorer

torch.set_num_threads(1)  # pictures are too small to split
Explorer()
