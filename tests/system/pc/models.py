# SPDX-License-Identifier: MIT
"""The processor models of the emulated PC, read from cpu_models.txt."""

import os
from collections import namedtuple

from errors import PcError

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                     "cpu_models.txt")
MAX_CPUS = {"bochs": 10, "qemu": 255}     # more were not tried

Model = namedtuple("Model", "name qemu_name kernel_options")


def known():
    """All models, the default first."""
    models = []
    with open(TABLE, encoding="utf-8") as file:
        for line in file:
            fields = line.split()
            if fields and not fields[0].startswith("#"):
                name, qemu_name, *options = fields
                models.append(Model(name, qemu_name,
                                    [o for o in options if o != "-"]))
    return models


def find(name):
    """The model of that name; an empty name means the default."""
    models = known()
    for model in models:
        if name in ("", model.name):
            return model
    raise PcError(f"unknown CPU model '{name}'; known: "
                  + ", ".join(model.name for model in models))
