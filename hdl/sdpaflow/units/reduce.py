"""Fold of the innermost groups."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics.operator import Fold, Interleaved
from sdpaflow.numerics.raw import width
from sdpaflow.units.checks import check_fold
from sdpaflow.units.fold_model import last_states
from sdpaflow.units.streams import Stream
from sdpaflow.units.unit import TokenStream, Unit, tokens

__all__ = ["Reduce"]


class Reduce(Unit):
    """Fold each innermost group of tokens into one.

    The first token of a group starts the accumulator, each later one is combined with it, and the
    one marked ``last[0]`` releases the result, which keeps the outer ``last`` bits. One token per
    cycle, also from one group to the next.

    The result follows the group's last token by one cycle. It stays in the accumulator until it is
    accepted: there is no second register. A fold that is :class:`Interleaved` takes four cycles: to
    align the token, to make the state ready for it, to add them, and to merge both partial results.
    A group's last token then waits until the result before has left, so that groups of less than
    four tokens take four cycles each.

    Parameters
    ----------
    fn : :class:`Fold`
        The recurrence.
    rank : :class:`int`
        Rank of the input, at least 1.

    Members
    -------
    i : :py:`In(...)`
        Tokens of rank r ≥ 1.
    o : :py:`Out(...)`
        One result per group, of rank r − 1.
    saturated : :py:`Out(1)`
        The accumulator was clamped since reset. Only where the fold saturates.
    """

    i: TokenStream
    o: TokenStream

    def __init__(self, fn: Fold, rank: int = 1):
        check_fold(fn, "Reduce")
        if rank < 1:
            raise ValueError(f"A Reduce folds groups, so its rank must be at least 1, not {rank}")
        self.fn = fn
        self.latency, self.words, self.bits = 1, 1, width(fn.state)
        result = fn.state
        if isinstance(fn, Interleaved):
            # A token waits, half aligned, one is added; a state made ready, two sums, the result.
            result = fn.result
            self.latency, self.words = 4, 6
            self.bits = width(fn.waiting) + width(fn.aligned) + 3 * width(fn.state) + width(result)
        super().__init__(
            {"i": In(tokens(fn.token, rank)), "o": Out(tokens(result, rank - 1))},
            flags=["saturated"] if fn.saturates else [],
        )

    def model(self, i: Stream) -> tuple[Stream, dict[str, int]]:
        ends = i.last[:, 0]
        states, counts = last_states(self.fn, i.data, ends)
        return Stream(states, i.last[ends, 1:]), counts

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if isinstance(self.fn, Interleaved):
            self._interleave(m, self.fn)
        else:
            self._fold(m)
        self.remember(m)
        return m

    def _fold(self, m: Module) -> None:
        first = Signal(init=1)
        acc = self.o.payload.data
        last = self.i.payload.last
        fire = self.i.valid & self.i.ready
        new, flag = self.fn.step(first, acc, self.i.payload.data)

        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        if self.fn.saturates:
            m.d.comb += self.events["saturated"].eq(fire & flag)

        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid & last[0])
        with m.If(fire):
            m.d.sync += first.eq(last[0])
            m.d.sync += Value.cast(acc).eq(Value.cast(new))
            m.d.sync += self.o.payload.last.eq(last[1:])

    def _interleave(self, m: Module, fn: Interleaved) -> None:
        """Two partial sums that take turns, so that an addition may take two cycles.

        A group of four tokens a to d, then one of two, e and f, with no stall. What each register
        holds in each cycle, partial sums as the tokens that are in them::

            cycle  i   waiting  addend  shrunk  newer  older  result
              0    a                            -      -
              1    b   a                        -      -
              2    c   b        a       -       -      -
              3    d   c        b       -       a      -
              4    e   d        c       a       b      -
              5    f   e        d       b       a+c    -
              6        f        e       -       b+d    a+c
              7        f        e       -       b+d    a+c    a+b+c+d
              8        f        e       -       b+d    a+c
              9                 f       -       e      a+c
             10                                 f      e
             11                                 f      e      e+f

        Each token passes ``waiting``, where it is aligned, and ``addend``, while the sum that it
        belongs to is made ready in ``shrunk``. That sum is ``newer``'s value of a cycle before:
        ``newer`` holds the token before the one before, as c finds a and d finds b. So the two sums
        stay apart only if they move in step, and a token leaves ``addend`` when the next one enters
        (``ripe``): e stays there until f comes, in cycles 6 to 8. The last token of a group leaves
        in any case; both sums then are in ``newer`` and ``older``, and merged a cycle later
        (``done``, here in cycle 6).

        f ends its group and is stuck in ``waiting`` until the result before has been accepted
        (cycle 7): there is one register for results. e may enter, as it only touches ``newer``
        after it has left.
        """
        last = self.i.payload.last
        first = Signal(init=1)  # what comes is the first token of its group
        second = Signal()  # or the second
        # A token waits for the adder, half aligned, and one is in it.
        waits = Signal()
        waiting = Signal(fn.waiting, reset_less=True)
        ends_wait = Signal.like(last)
        sole_wait = Signal()  # the group has no other token
        adds = Signal()
        addend = Signal(fn.aligned, reset_less=True)
        shrunk = Signal(fn.state, reset_less=True)
        ends = Signal.like(last)
        sole = Signal()
        # Both partial sums; once they are complete, they become the result.
        newer = Signal(fn.state, reset_less=True)
        older = Signal(fn.state, reset_less=True)
        done = Signal()
        outer = Signal.like(self.o.payload.last)
        result = Signal(fn.result, reset_less=True)
        result_last = Signal.like(self.o.payload.last)
        pending = Signal()  # a group's last token has entered, and its result has not left
        # Registers are enabled by registers, which know a cycle before.
        stuck = Signal()  # the waiting token ends its group and must not enter
        room = Signal(init=1)  # not stuck; that has many loads, this is for the other unit
        takes = Signal(init=1)  # the adder takes what waits, be there a token or not
        ripe = Signal()  # what is in the adder leaves
        ripe_end = Signal()  # and ends its group
        ripe_sole = Signal()  # and is all of it

        # Sums stay apart by moving in step: one leaves the adder when the next token enters it.
        enter = waits & ~stuck
        fire = self.i.valid & self.i.ready
        new, flag = fn.add(shrunk, addend)
        total, total_flag = fn.merge(newer, older)
        m.d.comb += self.i.ready.eq(room)
        m.d.comb += [self.o.payload.data.eq(result), self.o.payload.last.eq(result_last)]
        if fn.saturates:
            m.d.comb += self.events["saturated"].eq((ripe & flag) | (done & total_flag))

        will_wait = stuck | self.i.valid
        will_pend = (enter & ends_wait[0]) | (pending & ~(self.o.valid & self.o.ready))
        will_stick = (stuck | (self.i.valid & last[0])) & will_pend
        will_add = enter | (adds & ~ripe)
        will_end = Mux(enter, ends_wait[0], ends[0])
        will_leave = will_add & (will_end | (will_wait & ~will_stick))
        m.d.sync += [waits.eq(will_wait), adds.eq(will_add)]
        m.d.sync += [pending.eq(will_pend), stuck.eq(will_stick), room.eq(~will_stick)]
        m.d.sync += [ripe.eq(will_leave), takes.eq(~will_add | will_leave)]
        m.d.sync += ripe_end.eq(will_add & will_end)
        m.d.sync += ripe_sole.eq(will_add & will_end & Mux(enter, sole_wait, sole))
        with m.If(fire):
            m.d.sync += [first.eq(last[0]), second.eq(first & ~last[0])]
        with m.If(~stuck):
            m.d.sync += [ends_wait.eq(last), sole_wait.eq(first)]
            m.d.sync += waiting.eq(fn.align(first | second, self.i.payload.data))
        with m.If(takes):
            m.d.sync += [ends.eq(ends_wait), sole.eq(sole_wait)]
            m.d.sync += addend.eq(fn.settle(waiting))
            m.d.sync += Value.cast(shrunk).eq(Value.cast(fn.shrink(newer, waiting)))
        with m.If(ripe):
            m.d.sync += Value.cast(newer).eq(Value.cast(new))
        with m.If(ripe_end):
            m.d.sync += Value.cast(older).eq(Value.cast(newer))
            m.d.sync += outer.eq(ends[1:])
        with m.If(ripe_sole):  # its group has no other partial sum
            m.d.sync += Value.cast(older).eq(0)
        m.d.sync += done.eq(ripe_end)
        with m.If(done):
            m.d.sync += Value.cast(result).eq(Value.cast(total))
            m.d.sync += result_last.eq(outer)
        m.d.sync += self.o.valid.eq(done | (self.o.valid & ~self.o.ready))
