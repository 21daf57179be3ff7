"""What was measured, and its statistics."""

import statistics


class Figures:
    """The values of every figure, one a run."""

    def __init__(self, measured):
        self.measured = measured

    def of(self, *key, name):
        return self.measured[" | ".join(key)][name]

    def median(self, *key, name):
        return statistics.median(self.of(*key, name=name))

    def ratios(self, key, to, name):
        """One figure to another, run by run: what slows the machine down for a while slows both down."""
        return [one / other for one, other in zip(self.of(*key, name=name), self.of(*to, name=name))]

    def noise(self, name):
        """How far apart the quartiles are, of each figure of this name, in parts of its median."""
        for values in self.measured.values():
            if name in values:
                low, high = quartiles(values[name])
                yield (high - low) / statistics.median(values[name])

    def growth(self):
        return sorted(int(key.split(" | ")[1]) for key in self.measured if key.startswith("growth | "))


def quartiles(values):
    """The first and the third: half of the values lie between them. Of one value, itself."""
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high
