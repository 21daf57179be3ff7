"""The measured figures and their statistics."""

import statistics


class Figures:
    """The values of every figure, one for each run."""

    def __init__(self, measured):
        self.measured = measured

    def of(self, *key, name):
        return self.measured[" | ".join(key)][name]

    def median(self, *key, name):
        return statistics.median(self.of(*key, name=name))

    def ratios(self, key, to, name):
        """The ratio of two figures in each run, so that a slow spell of the machine affects both."""
        return divided(self.of(*key, name=name), self.of(*to, name=name))

    def noise(self, name):
        """The distance between the quartiles of each figure of this name, relative to its median."""
        for values in self.measured.values():
            if name in values:
                low, high = quartiles(values[name])
                yield (high - low) / statistics.median(values[name])

    def growth(self):
        return sorted(int(key.split(" | ")[1]) for key in self.measured if key.startswith("growth | "))


class Targets:
    """Collects the targets that are not reached."""

    def __init__(self):
        self.count = 0
        self.missed = []

    def at_least(self, bound, name, values, form=".2f"):
        return self.check(statistics.median(values) >= bound, f"at least {bound:g}", bound, name, values, form)

    def at_most(self, bound, name, values, form=".2f"):
        return self.check(statistics.median(values) <= bound, f"at most {bound:g}", bound, name, values, form)

    def check(self, reached, demand, bound, name, values, form):
        """Returns the median and the quartiles, in bold if the target is not reached."""
        self.count += 1
        cell = spread(values, form)
        if reached:
            return cell
        low, high = quartiles(values)
        self.missed.append((name, demand, cell, "yes" if low < bound < high else "no"))
        return f"**{cell}**"


def divided(values, by):
    return [value / base for value, base in zip(values, by, strict=True)]


def quartiles(values):
    """The first and the third quartile, which enclose half of the values. A single value is both."""
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def spread(values, form=".2f"):
    """The median, and the quartiles in brackets."""
    low, high = quartiles(values)
    return f"{statistics.median(values):{form}} [{low:{form}}–{high:{form}}]"
