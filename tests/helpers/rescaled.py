"""What a sum with a changing unit must be, in plain integers."""

__all__ = ["rescaled_sum"]


def rescaled_sum(group, low=None, high=None, *, fine=7, step=1, drop=0):
    """Sum of a group of ``(numbers, down, shift)``, lane by lane, and how often it was clamped.

    Tokens go into two sums in turn. ``shift`` is a bit of five: that many blocks of 8 places is the
    sum shifted by before; no bit empties it. It means nothing for the first of each sum. Numbers
    get ``fine`` more fraction bits, are shifted by ``down`` steps and rounded, ties up. Of each sum
    the last ``drop`` bits are dropped in the end.
    """
    sums, clamped = [], 0

    def clamp(value):
        nonlocal clamped
        if low is None or low <= value <= high:
            return value
        clamped += 1
        return min(max(value, low), high)

    for index, (numbers, down, shift) in enumerate(group):
        added = [(number * 2 ** (fine + 1) // 2 ** (step * down) + 1) // 2 for number in numbers]
        if index < 2:
            sums.append([clamp(new) for new in added])
            continue
        blocks = {1: 0, 2: 1, 4: 2, 8: 3, 16: 4}.get(shift)
        kept = [0 if blocks is None else old // 256**blocks for old in sums[index % 2]]
        sums[index % 2] = [clamp(old + new) for old, new in zip(kept, added, strict=True)]
    whole = [[lane >> drop for lane in lanes] for lanes in sums]
    return [clamp(sum(lanes)) for lanes in zip(*whole, strict=True)], clamped
