"""What is known of an exported design, for people: the comments at the top of its files."""

__all__ = ["comment", "how_to_run", "of_design"]


def of_design(known: dict) -> str:
    """What stands at the top of the Verilog, from what :mod:`.facts` gives."""
    if "unit" in known:
        lines = _unit(known)
    elif "config" in known:
        lines = _attention(known)
    else:
        lines = _graph(known)
    made = f"Made by {known['generator']}"
    if known["command"]:
        made += f", with the command\n{known['command']}"
    elif "made_from" in known:
        made += f" from {known['made_from']}."
    else:
        made += ", from Python."
    return "\n".join([*lines, "", made])


def _attention(known: dict) -> list[str]:
    config, beats = known["config"], known["beats"]
    formats = [
        f"  {n}  {f['format']}, {f['width']} bits, {f['min']:.17g} to {f['max']:.17g}"
        for n, f in known["formats"].items()
    ]
    return [
        f"{known['name']}: scaled dot-product attention, pipeline {known['pipeline']}.",
        "",
        f"d = {config['d']}, dv = {config['dv']}, {config['lanes']} lanes of q and k, "
        f"{config['dv_lanes']} of v and o"
        + (f", rows of up to {config['row_max']} keys" if config["row_max"] else ""),
        "Formats, two's complement (integer bits with sign, fraction bits):",
        *formats,
        f"q holds queries times {config['scale']:.9g} * log2(e).",
        f"This factor is {known['query_factor']:.9g}. Inputs are rounded to nearest, ties to even;",
        "what is beyond a format is clamped to its least or greatest, here as there.",
        f"Cycles per score: {known['cycles_per_score']}.",
        f"Latency: {known['latency']} cycles along the longest path from inputs to output;",
        "what waits for a row, or for the beats of a vector, takes so many cycles more.",
        _long_fifos(known),
        "",
        *_matrices(known["interface"], beats),
        *(_modified(known) if "modifiers" in known else []),
        *_limits(known["limits"], stored=config["row_max"] is not None),
    ]


def _modified(known: dict) -> list[str]:
    """What is done to scores, and the inputs for it."""
    axi = known["interface"] == "axi"
    lines = [
        "",
        f"Scores are modified on the way: {', '.join(known['modifiers'])}.",
        "A query that keeps no key gives 0.",
    ]
    if known["streams"]:
        lines += [
            "Inputs for it: i is the number of each query, others have one for each score, and",
            f"{'tlast' if axi else 'a mark'} at the last key. Biases are times log2(e).",
            *_streams(known, marks=not axi),
        ]
    return lines


def _limits(limits: dict, *, stored: bool) -> list[str]:
    """What an attention was not built for."""
    most = limits["row_keys"]
    return [
        "",
        f"Rows may differ in length, from 1 to {most} keys. "
        + (
            "A longer one waits for ever, every flag down."
            if stored
            else "Of a longer one sums overflow."
        ),
        f"k is taken {limits['k_ahead_of_v']} keys or a few more ahead of v, and then waits for v:",
        "a source that sends all of k first stands still.",
        "After misframed, nothing is right until a reset.",
    ]


def _matrices(ports: str, beats: dict) -> list[str]:
    """How the matrices are streamed."""
    lines = [
        "q brings each query once. k and v bring all keys and all values, in the same order, once",
        "for each query. o gives one vector for each query. Element 0 is in the lowest bits.",
    ]
    if beats["q"] > 1:
        lines.append(
            f"A vector of q or k takes {beats['q']} beats, one of v or o {beats['v']}, first "
            "elements first."
        )
    if ports == "axi":
        return [
            *lines,
            "Each element takes whole bytes; padding of inputs is ignored, that of o is its sign.",
            "tlast closes a row of keys on k, a row of values on v, and a vector on o; on q it is",
            "free. There is no tkeep: every element of a beat counts.",
            "aresetn is synchronous to aclk, active low.",
        ]
    lines.append("Above the elements of a payload are the marks of a token, lowest first:")
    for name in "qkvo":
        marks = (["last beat of the vector"] if beats[name] > 1 else []) + (
            ["last key of the row"] if name in "kv" else []
        )
        lines.append(f"  {name}  {', '.join(marks) or 'none'}")
    return [*lines, "rst is synchronous to clk, active high."]


def _graph(known: dict) -> list[str]:
    does = [known["does"]] if known["does"] else []
    parameters = ", ".join(f"{name} = {value}" for name, value in known["parameters"].items())
    lines = [
        f"{known['name']}: pipeline {known['pipeline']}.",
        "",
        *does,
        *([f"Parameters: {parameters}."] if parameters else []),
        f"Latency: {known['latency']} cycles along the longest path from inputs to outputs;",
        "what waits for a group takes so many cycles more.",
        _long_fifos(known),
        "",
    ]
    if known["interface"] == "axi":
        return [
            *lines,
            "Scalars of a token, first ones lowest, each in whole bytes:",
            *_streams(known, marks=False),
            "tlast closes the outermost group of a stream; of a stream without groups it is 1 on",
            "outputs and free on inputs. Where groups hold groups, tuser has the marks of the",
            "inner ones, lowest innermost. aresetn is synchronous to aclk, active low.",
        ]
    return [*lines, *_payloads(known)]


def _unit(known: dict) -> list[str]:
    function = f" of {known['function']}" if known["function"] else ""
    return [
        f"{known['name']}: {known['unit']}{function},",
        f"unit {known['node']} of the pipeline {known['pipeline']}.",
        "",
        *([known["does"]] if known["does"] else []),
        f"Cycles per token: {known['cycles_per_token']}. Latency: {known['latency']} cycles.",
        *_payloads(known),
    ]


def _payloads(known: dict) -> list[str]:
    return [
        "Payloads, lowest bits first (SQ and UQ: integer bits, with the sign; fraction bits):",
        *_streams(known),
        "Marks close groups of tokens, the lowest one the innermost group.",
        "rst is synchronous to clk, active high.",
    ]


def _streams(known: dict, *, marks: bool = True) -> list[str]:
    """A line for each stream."""
    streams = known["streams"]
    width = max(map(len, streams))
    lines = []
    for name, stream in streams.items():
        rank = stream["rank"] if marks else 0
        end = f", then {rank} marks" if rank > 1 else ", then a mark" if rank else ""
        lines.append(f"  {name:{width}}  {stream['data']}{end}")
    return lines


def _long_fifos(known: dict) -> str:
    long = ", ".join(f"{name} of {depth} words" for name, depth in known["long_fifos"].items())
    return f"FIFOs deeper than 2: {long or 'none'}."


def how_to_run(name: str, data: str) -> str:
    """What stands at the top of a testbench, which checks a design on such data."""
    return (
        f"Checks {name}.v\non data of {data}.\n"
        f"In this folder, with Icarus Verilog; the exit code of vvp is 0 if it passes:\n\n"
        f"  iverilog -g2005-sv -o {name}_tb.vvp {name}.v {name}_tb.v\n"
        f"  vvp -n {name}_tb.vvp"
    )


def comment(text: str) -> str:
    """Text as a comment in Verilog."""
    return "".join(f"// {line}".rstrip() + "\n" for line in text.splitlines())
