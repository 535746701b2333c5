"""Names taken from assignments."""

from sdpaflow.graph.names import assigned_names


def asked():
    return assigned_names()


def asked_from_within():
    return assigned_names(2)


def through(value):
    return value


def returned():
    return asked()


class Holder:
    pass


def test_one_target():
    """A local variable, an attribute and a closure's variable are all found."""
    a = asked()
    holder = Holder()
    holder.attribute = asked()
    captured = asked()

    def closure():
        return captured

    assert (a, holder.attribute, closure()) == (["a"], ["attribute"], ["captured"])


def test_several_targets():
    """Unpacking gives all targets, in order."""
    a, b, c = asked()
    assert (a, b, c) == ("a", "b", "c")


def test_more_targets_than_fit_one_byte():
    """Among hundreds of variables, instructions are longer; names are found all the same."""
    many = "\n".join(f"    x{index} = {index}" for index in range(300))
    scope = {"asked": asked}
    exec(f"def f():\n{many}\n    late = asked()\n    return late", scope)
    assert scope["f"]() == ["late"]


def test_no_target():
    """An argument, a return value or a bare call has no name."""
    passed = through(asked())
    listed = [asked()]
    assert (passed, listed, returned()) == ([], [[]], [])


def test_depth():
    """A function may ask on behalf of its caller."""

    def method():
        return asked_from_within()

    result = method()
    assert result == ["result"]
