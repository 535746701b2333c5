"""What the attention pipelines have in common: both ends, and the products with K and V."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from amaranth.lib import data
from numpy.typing import ArrayLike

from sdpaflow.graph import Dataflow, Wire, skew
from sdpaflow.numerics import (
    Carry,
    Chain,
    Divide,
    Dot,
    Exp2,
    Fold,
    Narrow,
    NotZero,
    Operator,
    Place,
    Placement,
    Places,
    Serial,
    Sum,
    Weigh,
    fixed,
)
from sdpaflow.numerics.arithmetic import element_of
from sdpaflow.pipelines.config import ROW_BITS, Config
from sdpaflow.pipelines.modified import checked, modified
from sdpaflow.pipelines.reference import softmax_attention
from sdpaflow.scores import Modifier

__all__ = ["Attention"]


class Attention(Dataflow):
    """A pipeline from streams ``q``, ``k``, ``v`` to a stream ``o``, one query after another.

    ``q`` brings each query once, ``k`` and ``v`` bring all its keys and values for every query. A
    vector is one token where ``lanes`` holds it whole, else a group of beats.

    ========  =====================================  ==================
    stream    token                                  rank
    ========  =====================================  ==================
    ``q``     ``lanes`` elements                     0, in beats 1
    ``k``     ``lanes`` elements                     1 (a row), in beats 2
    ``v``     ``dv_lanes`` elements                  1 (a row), in beats 2
    ``o``     ``dv_lanes`` elements                  0, in beats 1
    ========  =====================================  ==================

    A pipeline of one's own is a subclass whose constructor calls :meth:`qkv`, one method per unit,
    and :meth:`output`. Where it computes something else than plain attention (scores that are
    capped, for example), it also overrides :meth:`reference`, against which errors are reported.

    Parameters
    ----------
    config : :class:`Config`
        Dimensions and formats.

    Raises
    ------
    TypeError
        The configuration is no :class:`Config`.
    ValueError
        ``row_max`` is missing where rows are stored, or given where none are.
    """

    subtracts_maximum = True
    """Whether weights are relative to the greatest score, so that none is clamped or too small."""

    stores_rows = False
    """Whether it has a long FIFO, and so needs ``row_max``."""

    places = Places(1)
    """How the places of weights with an exponent are shared out."""

    def __init__(self, config: Config, score: Sequence[Modifier] = ()):
        super().__init__()
        if not isinstance(config, Config):
            raise TypeError(f"Configuration must be a Config, not {config!r}")
        if self.stores_rows and config.row_max is None:
            raise ValueError(f"{type(self).__name__} stores rows: row_max must be given")
        if not self.stores_rows and config.row_max is not None:
            raise ValueError(f"{type(self).__name__} stores no rows: row_max must not be given")
        self.config = config
        self.modifiers = checked(score)
        self.holes = False  # whether scores may be holes, which is known when they are made

    @property
    def parameters(self) -> dict[str, object]:
        """What tells it from others of its kind, by name: dimensions, formats, precision.

        Under ``depths`` are the FIFOs that were given other words, where some were.
        """
        names = ["d", "dv", "lanes", *(["row_max"] if self.stores_rows else []), *"qkvo"]
        names += ["scale", "segments", "score_bits", "weight_bits", "digits"]
        depths: dict[str, object] = {"depths": self.resized} if self.resized else {}
        if self.modifiers:
            depths = {"score": list(self.modifiers), **depths}
        return {**{name: getattr(self.config, name) for name in names}, **depths}

    @property
    def port_beats(self) -> dict[str, int]:
        """Tokens in each vector, by input: what :class:`AxiStreams` counts.

        An input that is missing here comes in single tokens.
        """
        config = self.config
        return {"q": config.beats, "k": config.beats, "v": config.dv_beats}

    def reference(
        self,
        q: ArrayLike,
        k: ArrayLike,
        v: ArrayLike,
        lengths: ArrayLike | None = None,
        **extra: np.ndarray,
    ) -> np.ndarray:
        """What this pipeline approximates, in float64: ``softmax(scale · q kᵀ) v``.

        With scores modified on the way.

        A subclass that computes something else overrides it.

        Parameters
        ----------
        q, k, v : array
            Numbers as they are before they are quantised and scaled: (N_q, d), (N_k, d), (N_k, dv).
        lengths : array of :class:`int`
            For each query, how many keys it attends to; all of them unless given.
        **extra : array
            What modifiers take, by name, as :meth:`Modifier.reference` does.

        Returns
        -------
        numpy.ndarray
            (N_q, dv).

        Raises
        ------
        ValueError
            Sizes disagree, or a length is out of range.
        """
        return softmax_attention(
            q,
            k,
            v,
            base2_scale=self.config.factor,
            lengths=lengths,
            modify=partial(self.modify, extra=extra) if self.modifiers else None,
        )

    def modify(self, scores: np.ndarray, extra: Mapping[str, np.ndarray]) -> np.ndarray:
        """Scores in float64, base e, after all modifiers: −∞ for those that do not count."""
        for modifier in self.modifiers:
            scores = modifier.reference(scores, **{name: extra[name] for name in modifier.takes})
        return scores

    def error_terms(self, keys: int) -> dict[str, float]:
        """What :meth:`error_bound` adds up, by name of what loses bits."""
        raise NotImplementedError(f"{type(self).__name__} states no bound of its errors")

    def error_bound(self, keys: int) -> float:
        """The most that an output can be off, in units of its last place.

        For any scores and any values of a row of ``keys`` keys, against :meth:`reference` of the
        quantised inputs, as long as nothing is clamped. Rows may reach it only where everything
        comes together; :meth:`error_terms` has its parts. Scores that are modified on the way err
        by more.

        Parameters
        ----------
        keys : :class:`int`
            Keys of the row.

        Raises
        ------
        ValueError
            There are no keys, or more than a row may have.
        """
        most = self.config.row_max or 1 << ROW_BITS
        if not isinstance(keys, int) or not 1 <= keys <= most:
            raise ValueError(f"Keys must be 1 to {most}, not {keys!r}")
        return sum(self.error_terms(keys).values())

    # Parts that pipelines are made of.

    def qkv(self) -> tuple[Wire, Wire, Wire]:
        """The three inputs."""
        config = self.config
        q = self.input(config.q_vector, rank=int(config.beats > 1))
        k = self.input(config.k_vector, rank=1 + int(config.beats > 1))
        v = self.input(config.v_vector, rank=1 + int(config.dv_beats > 1))
        return q, k, v

    def scores(self, q: Wire, k: Wire) -> Wire:
        """``s_ij = q_i · k_j``, already in base 2."""
        config = self.config
        dot = Dot(config.k_vector, config.q_vector)
        if config.beats == 1:
            qk_ij = self.repeat(q, over=k)
            dot_ij = self.map(dot, qk_ij)
        else:
            qk_ij = self.replay(q, over=k, size=config.beats)
            part_ij = self.map(dot, qk_ij)
            dot_ij = self.reduce(Sum(dot.shape, (config.beats - 1).bit_length()), part_ij)
        s_ij = self.map(Narrow(dot_ij.shape, config.score), dot_ij)
        if self.modifiers:
            s_ij, self.holes = modified(self, s_ij, self.modifiers)
        return s_ij

    def exp(self, layout: data.StructLayout) -> Operator:
        """``2**x``, the ``weight`` of a token that carries its places along."""
        exp = Exp2(layout.members["x"], self.config.weight, self.config.segments)
        return Carry(exp, layout, "x", result="weight")

    def power(self, score: fixed.Shape, unit: fixed.Shape | int) -> Operator:
        """``2**(s − u)``, a weight and its places; the unit is an argument, or a constant."""
        placement = Placement(score, unit, self.places, self.holes)
        return Chain(placement, self.exp(placement.shape))

    def placed_weight(self, e_ij: Wire) -> Operator:
        """Weights as numbers with one binary point, to be summed over a row."""
        return Place(e_ij.shape, "weight", self.places.step, self.config.row_norm_bits)

    def weigh(self, w_ij: Wire, v: Wire, f_bits: int | None = None) -> Wire:
        """``w_ij · v_j``, the lanes of a value at a time.

        The places of a weight go along, unless products get one binary point: ``f_bits``.
        """
        config, step = self.config, self.places.step
        multiply: Operator = Weigh(config.v_vector, w_ij.shape, step)
        if f_bits is not None:
            multiply = Chain(multiply, Place(multiply.shape, "weight", 2 * step, f_bits))
        if config.dv_beats == 1:
            wv_ij = self.map(multiply, v, w_ij)
        else:
            vw_ij = self.repeat(w_ij, over=v)
            wv_ij = self.map(multiply, vw_ij)
        return wv_ij

    def total(self, fold: Fold, wv_ij: Wire) -> Wire:
        """``Σ_j w_ij · v_j``: the products of a row, folded lane by lane."""
        if self.config.dv_beats == 1:
            a_i = self.reduce(fold, wv_ij)
        else:
            a_i = self.mem_reduce(fold, wv_ij, size=self.config.dv_beats)
        return a_i

    def divide_by(self, l_i: Wire, a_i: Wire) -> Wire:
        """``a_i / l_i``, one lane after another: there is one division per lane and row.

        The beats of a result leave faster than they are divided, so their FIFO holds them all.
        """
        config = self.config
        if self.holes:
            l_i = self.map(NotZero(l_i.shape), l_i, name="some_i")
        divide: Operator
        if config.dv_lanes == 1:
            divide = Divide(a_i.shape, l_i.shape, config.o, digits=config.digits)
        else:
            each = Divide(element_of(a_i.shape), l_i.shape, config.o, digits=config.digits)
            divide = Serial(each, config.dv_lanes)
        if config.dv_beats == 1:
            a_i = a_i if config.dv_lanes == 1 else a_i.fifo(1)
            o_i = self.map(divide, a_i, l_i)
        else:
            a_beats = a_i.fifo(max(a_i.depth, config.dv_beats))
            al_i = self.repeat(l_i, over=a_beats)
            o_i = self.map(divide, al_i)
        return o_i

    def row_depth(self, row: Wire, late: Wire) -> int:
        """Words that a row waiting for ``late`` takes without losing rate.

        The row, and the tokens that come in during the skew, one in every ``beats`` cycles.
        """
        assert self.config.row_max is not None, "only pipelines that store rows have one"
        return self.config.row_max + skew(row, late) // self.config.beats
