"""Optimizers for dense parameters, with PyTorch's names and defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlp_core.catalog import update_texts, updates
from mlp_core.catalog.by_hand import UpdateByHand
from mlp_core.catalog.entry import ClassEntry, table
from mlp_core.catalog.parameters import Bool, Choice, Float, Floats, Int, Parameter


@dataclass(frozen=True, kw_only=True)
class OptimizerEntry(ClassEntry):
    """An optimizer for dense parameters."""

    namespace = "torch.optim"

    state_per_parameter: int
    """Numbers that it keeps for every weight, at most."""
    closure: bool = False
    """Whether its step takes a function that computes loss and gradient, and calls it several times."""
    by_hand: Callable[[Mapping[str, Any]], UpdateByHand] | None = None
    """Its update in bare tensors, given its parameters but for `fused`. Without one it runs on the plain engine only,
    and scripts in bare tensors call the class."""
    update_text: Callable[[Mapping[str, Any], tuple[int, ...]], UpdateByHand] | None = None
    """Where it has no `by_hand`: its update as text for people, given its parameters and the shape of what it updates.
    None for one that updates all parameters together."""

    def written(self, params: Mapping[str, Any]) -> UpdateByHand | None:
        """Its update in bare tensors with these parameters; None where there is none. A fused update rounds as no
        operators do."""
        return None if self.by_hand is None or params.get("fused") else self.by_hand(params)

    @property
    def survives_surgery(self) -> bool:
        """Whether what it keeps is carried over when the network is operated on: `by_hand` says what that is. Else it
        starts afresh."""
        return self.by_hand is not None

    @property
    def choice_controls(self) -> tuple[str, ...]:
        return ("optimizer",)

    @property
    def has_momentum(self) -> bool:
        """Whether a schedule can cycle its momentum, or the first beta that stands for one."""
        of_one = self.target.startswith(self.namespace)  # one that is made of two has two kinds of settings
        return of_one and any(parameter.name in ("momentum", "betas") for parameter in self.parameters)

    @property
    def usual_rates(self) -> tuple[float, float]:
        """The lowest and the highest learning rate that it usually learns with; a hundredfold around the default where
        its entry does not say."""
        rate = self.parameter("lr")
        known = rate.usual if isinstance(rate, Float) else None
        return known or (rate.default / 100, rate.default * 100)


def _learning_rate(default: float, low: float = 1e-5, high: float = 0.1) -> Parameter:
    """The learning rate with PyTorch's default; from `low` to `high` is usual."""
    return Float(
        name="lr",
        label="Learning rate",
        help="How far each step moves the weights. Too small: slow. Too large: the loss jumps or becomes NaN.",
        default=default,
        low=0.0,
        high=1e12,
        log=True,
        advice=f"Choose a value from 0 to 1e12; {low:g} to {high:g} is usual.",
        usual=(low, high),
        live=True,
        controls=("learning_rate",),
    )


def _weight_decay(default: float = 0.0) -> Parameter:
    return Float(
        name="weight_decay",
        label="Weight decay",
        help="Pulls every weight towards zero a little in each step, which keeps functions smooth.",
        default=default,
        low=0.0,
        high=1e6,
        log=True,
        controls=("optimizer", "regularisation"),
    )


def _momentum() -> Parameter:
    return Float(
        name="momentum",
        label="Momentum",
        help="How much of the previous step's direction is kept: 0.9 rolls through small bumps.",
        default=0.0,
        low=0.0,
        high=1.0,
        step=0.05,
    )


def _share(name: str, label: str, default: float, help: str) -> Float:
    return Float(name=name, label=label, help=help, default=default, low=0.0, high=1.0, high_open=True, step=0.01)


def _eps(default: float = 1e-8) -> Parameter:
    return Float(
        name="eps",
        label="Epsilon",
        help="Added to a denominator so that it is never zero.",
        default=default,
        low=0.0,
        high=1.0,
        log=True,
    )


_AMSGRAD = Bool(
    name="amsgrad",
    label="AMSGrad",
    help="Divides by the largest average of squared gradients so far, so that steps never grow back.",
    default=False,
)
_BETAS = Floats(
    name="betas",
    label="Betas",
    help="How long the running averages of the gradient and of its square remember.",
    default=(0.9, 0.999),
    labels=("gradient", "square"),
    element=_share("beta", "Beta", 0.9, ""),
)


_DECOUPLED = Bool(
    name="decoupled_weight_decay",
    label="Decoupled decay",
    help="Applies weight decay to the weights themselves, as AdamW does, rather than to the gradient.",
    default=False,
)


_MAXIMIZE = Bool(
    name="maximize",
    label="Maximize",
    help="Steps up the loss instead of down, so that it grows: to see what a step undoes.",
    default=False,
)
_FUSED = Bool(
    name="fused",
    label="Fused",
    help="One operator makes the whole update: the same rule with fewer roundings, so its last digits differ. It makes "
    "PyTorch's own loop, and exported scripts, faster.",
    default=None,
    optional=True,
)


def _nesterov_conflict(params: Mapping[str, Any], owner: str) -> str:
    for name, fits, rule, remedy in (
        ("momentum", params["momentum"] > 0, "is 0", "Set momentum to 0.9"),
        ("dampening", params["dampening"] == 0, "is not 0", "Set dampening to 0"),
    ):
        if params["nesterov"] and not fits:
            return (
                f"The 'nesterov' parameter of {owner} must be False while {name!r} {rule}. Got True instead. "
                f"{remedy}, or switch Nesterov off."
            )
    return ""


def _rprop_conflict(params: Mapping[str, Any], owner: str) -> str:
    turned, same = params["etas"]
    if not turned < 1.0 < same:
        return (
            f"The 'etas' parameter of {owner} must be one value below 1 and one above 1. Got {turned:g} and {same:g} "
            "instead. Set it to 0.5 and 1.2, its defaults."
        )
    smallest, largest = params["step_sizes"]
    if smallest > largest:
        return (
            f"The 'step_sizes' parameter of {owner} must be a smallest and a largest step, in this order. "
            f"Got {smallest:g} and {largest:g} instead. Exchange them."
        )
    return ""


_HISTORY = 100
"""The most steps that L-BFGS may remember: each is two numbers per weight."""


def _count(name: str, label: str, default: int, help: str, high: int = 10_000) -> Int:
    return Int(name=name, label=label, help=help, default=default, low=1, high=high)


def _tolerance(name: str, label: str, default: float, help: str) -> Float:
    return Float(name=name, label=label, help=help, default=default, low=0.0, high=1.0, log=True)


def _muon_text(params: Mapping[str, Any], shape: tuple[int, ...]) -> UpdateByHand:
    """Muon takes matrices only; everything else goes by AdamW with the same rate and decay."""
    if len(shape) == 2:
        return update_texts.muon(params, shape)
    return updates.adamw(OPTIMIZERS["AdamW"].fill({name: params[name] for name in ("lr", "weight_decay")}))


OPTIMIZERS: dict[str, OptimizerEntry] = table(
    OptimizerEntry(
        name="SGD",
        label="SGD",
        conflict=_nesterov_conflict,
        by_hand=updates.sgd,
        summary="Steps against the gradient of one mini-batch; with momentum it keeps rolling.",
        formula=r"v \leftarrow \mu v + g,\quad w \leftarrow w - \eta v",
        when="The textbook choice; with momentum 0.9 a strong one.",
        cost="No memory without momentum, one number per weight with it.",
        state_per_parameter=1,
        parameters=(
            _learning_rate(1e-3, 1e-4, 1.0),
            _momentum(),
            Float(
                name="dampening",
                label="Dampening",
                help="How much less a new gradient counts once there is momentum. Does nothing while momentum is 0.",
                default=0.0,
                low=0.0,
                high=1.0,
                step=0.05,
            ),
            Bool(
                name="nesterov",
                label="Nesterov",
                help="Looks one momentum step ahead before it steps. Needs momentum above 0, and no dampening.",
                default=False,
            ),
            _weight_decay(),
            _MAXIMIZE,
            _FUSED,
        ),
    ),
    OptimizerEntry(
        name="Adam",
        label="Adam",
        by_hand=updates.adam,
        summary="Gives every weight its own step, from running averages of its gradient and squared gradient.",
        formula=r"w \leftarrow w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
        when="Works well without tuning.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(_learning_rate(1e-3), _BETAS, _eps(), _weight_decay(), _AMSGRAD, _MAXIMIZE, _FUSED),
    ),
    OptimizerEntry(
        name="AdamW",
        label="AdamW",
        by_hand=updates.adamw,
        summary="Adam with weight decay applied to the weights themselves rather than to the gradient.",
        formula=r"w \leftarrow (1 - \eta\lambda)\,w - \eta\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
        when="Adam with weight decay.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(_learning_rate(1e-3), _BETAS, _eps(), _weight_decay(1e-2), _AMSGRAD, _MAXIMIZE, _FUSED),
    ),
    OptimizerEntry(
        name="RMSprop",
        label="RMSprop",
        by_hand=updates.rmsprop,
        summary="Divides each step by a running root mean square of the gradient.",
        formula=r"w \leftarrow w - \eta\,\frac{g}{\sqrt{v} + \epsilon}",
        when="Losses whose slopes differ much between weights.",
        cost="One to three numbers per weight.",
        state_per_parameter=3,
        parameters=(
            _learning_rate(1e-2),
            _share("alpha", "Alpha", 0.99, "How long the average of squared gradients remembers."),
            _eps(),
            _weight_decay(),
            _momentum(),
            Bool(
                name="centered",
                label="Centred",
                help="Divides by the standard deviation rather than by the root mean square.",
                default=False,
            ),
            _MAXIMIZE,
        ),
    ),
    OptimizerEntry(
        name="Adagrad",
        label="Adagrad",
        by_hand=updates.adagrad,
        summary="Divides each weight's step by the root of the sum of all its squared gradients so far.",
        formula=r"w \leftarrow w - \eta\,\frac{g}{\sqrt{\sum g^2} + \epsilon}",
        when="Inputs that are seldom other than zero. Steps only ever grow smaller.",
        cost="One number per weight.",
        state_per_parameter=1,
        parameters=(
            _learning_rate(1e-2, 1e-4, 1.0),
            Float(
                name="lr_decay",
                label="Rate decay",
                help="How fast the learning rate falls by itself: it is divided by 1 + decay times the steps so far.",
                default=0.0,
                low=0.0,
                high=1e6,
                step=0.01,
            ),
            _weight_decay(),
            Float(
                name="initial_accumulator_value",
                label="First sum",
                help="What the sum of squared gradients starts from. Above 0, the first steps are smaller.",
                default=0.0,
                low=0.0,
                high=1e6,
                step=0.1,
            ),
            _eps(1e-10),
            _MAXIMIZE,
            _FUSED,
        ),
    ),
    OptimizerEntry(
        name="Adadelta",
        label="Adadelta",
        by_hand=updates.adadelta,
        summary="Steps as far as it usually did, divided by the usual size of the gradient.",
        formula=r"w \leftarrow w - \eta\,\frac{\sqrt{u + \epsilon}}{\sqrt{v + \epsilon}}\,g",
        when="Where no learning rate is to be chosen: 1 is the method as it was published. Its first steps are tiny.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(
            _learning_rate(1.0, 1e-2, 10.0),
            _share("rho", "Rho", 0.9, "How long the averages of squared gradients and squared steps remember."),
            _eps(1e-6),
            _weight_decay(),
            _MAXIMIZE,
        ),
    ),
    OptimizerEntry(
        name="Adamax",
        label="Adamax",
        by_hand=updates.adamax,
        summary="Adam that divides by the largest recent gradient rather than by the root of an average of squares.",
        formula=r"w \leftarrow w - \eta\,\frac{\hat m}{u},\quad u \leftarrow \max(\beta_2 u, |g| + \epsilon)",
        when="Gradients that are seldom large: one outlier changes the step once, and not for long.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(_learning_rate(2e-3), _BETAS, _eps(), _weight_decay(), _MAXIMIZE),
    ),
    OptimizerEntry(
        name="NAdam",
        label="NAdam",
        by_hand=updates.nadam,
        summary="Adam that looks one momentum step ahead, as Nesterov's momentum does.",
        formula=r"w \leftarrow w - \eta\,\frac{\mu_{t+1} \hat m + (1 - \mu_t)\,\hat g}{\sqrt{\hat v} + \epsilon}",
        when="Where Adam works; it often gets going sooner.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(
            _learning_rate(2e-3),
            _BETAS,
            _eps(),
            _weight_decay(),
            Float(
                name="momentum_decay",
                label="Momentum decay",
                help="How fast the momentum grows to its full size at the start.",
                default=4e-3,
                low=0.0,
                high=1e6,
                step=0.001,
            ),
            _DECOUPLED,
            _MAXIMIZE,
        ),
    ),
    OptimizerEntry(
        name="RAdam",
        label="RAdam",
        by_hand=updates.radam,
        summary="Adam that steps without dividing until its averages are sound: a warm-up that needs no schedule.",
        formula=r"w \leftarrow w - \eta\,r_t\,\frac{\hat m}{\sqrt{\hat v} + \epsilon}",
        when="Where Adam's first steps go astray.",
        cost="Two numbers per weight.",
        state_per_parameter=2,
        parameters=(_learning_rate(1e-3), _BETAS, _eps(), _weight_decay(), _DECOUPLED, _MAXIMIZE),
    ),
    OptimizerEntry(
        name="ASGD",
        label="Averaged SGD",
        update_text=update_texts.asgd,
        summary="SGD whose rate falls by itself, and which keeps the average of its weights beside them.",
        formula=r"\eta_t = \frac{\eta}{(1 + \lambda \eta t)^\alpha},\quad w \leftarrow (1 - \lambda \eta_t)\,w - "
        r"\eta_t\,g",
        when="Noisy gradients near the end. The network uses its weights; PyTorch keeps the average in the state only.",
        cost="One number per weight. Runs on the plain engine, which is slower.",
        state_per_parameter=1,
        parameters=(
            _learning_rate(1e-2, 1e-4, 1.0),
            Float(
                name="lambd",
                label="Lambda",
                help="Pulls weights towards zero, and decides how fast the rate falls.",
                default=1e-4,
                low=0.0,
                high=1.0,
                log=True,
            ),
            Float(
                name="alpha",
                label="Alpha",
                help="The power with which the rate falls.",
                default=0.75,
                low=0.0,
                high=10.0,
                step=0.05,
            ),
            Float(
                name="t0",
                label="Averages from step",
                help="The step from which weights are averaged.",
                default=1e6,
                low=0.0,
                high=1e12,
                log=True,
            ),
            _weight_decay(),
            _MAXIMIZE,
        ),
    ),
    OptimizerEntry(
        name="Rprop",
        label="Rprop",
        conflict=_rprop_conflict,
        update_text=update_texts.rprop,
        summary="Looks at the sign of each gradient only: steps grow while it stays the same and shrink when it turns.",
        formula=r"w \leftarrow w - \operatorname{sign}(g)\,\Delta,\quad \Delta \leftarrow \Delta \cdot "
        r"(\eta^+ \text{ or } \eta^-)",
        when="The whole data set as one batch. With small batches signs turn by chance.",
        cost="Two numbers per weight. Runs on the plain engine, which is slower.",
        state_per_parameter=2,
        parameters=(
            _learning_rate(1e-2, 1e-6, 1.0),
            Floats(
                name="etas",
                label="Etas",
                help="What a step is multiplied by when the sign has turned, and when it has not.",
                default=(0.5, 1.2),
                labels=("turned", "same"),
                element=Float(
                    name="eta", label="Eta", help="", default=1.2, low=0.0, low_open=True, high=100.0, step=0.1
                ),
            ),
            Floats(
                name="step_sizes",
                label="Step sizes",
                help="The smallest and the largest step of a weight.",
                default=(1e-6, 50.0),
                labels=("smallest", "largest"),
                element=Float(name="size", label="Size", help="", default=1e-6, low=0.0, high=1e12, log=True),
            ),
            _MAXIMIZE,
        ),
    ),
    OptimizerEntry(
        name="Adafactor",
        label="Adafactor",
        update_text=update_texts.adafactor,
        summary="Adam without momentum that keeps, for a matrix of weights, one average per row and one per column.",
        formula=r"w \leftarrow w - \rho_t\,\frac{u}{\max(1, \mathrm{RMS}(u) / d)},\quad u = \frac{g}{\sqrt{r c}}",
        when="Networks too large for Adam's memory. The learning rate counts relative to the size of the weights.",
        cost="One number per row and column of a matrix. Runs on the plain engine, which is slower.",
        state_per_parameter=1,
        parameters=(
            _learning_rate(1e-2, 1e-4, 1.0),
            Float(
                name="beta2_decay",
                label="Decay of beta",
                help="The power of the step by which averages forget less and less.",
                default=-0.8,
                low=-10.0,
                high=0.0,
                step=0.1,
            ),
            Float(
                name="d",
                label="Clipping",
                help="The root mean square from which an update is scaled down.",
                default=1.0,
                low=1.0,
                high=1e6,
                step=0.5,
            ),
            _weight_decay(),
            _MAXIMIZE,
        ),
    ),
    OptimizerEntry(
        name="LBFGS",
        label="L-BFGS",
        closure=True,
        summary="Builds a picture of the curvature from its last steps, and computes the loss several times in a step.",
        formula=r"w \leftarrow w - \eta\,H_t\,g",
        when="The whole data set as one batch, with a search along the line. Small batches disturb its picture.",
        cost="Two numbers per weight for every step that it remembers. Runs on the plain engine, which is slower.",
        state_per_parameter=2 * _HISTORY + 4,
        parameters=(
            # 1 is PyTorch's default and a whole step to where its picture of the curvature has the minimum; beyond 2
            # such a step ends higher than it began.
            _learning_rate(1.0, 0.01, 2.0),
            _count("max_iter", "Iterations", 20, "How many times it moves the weights in one step, at most."),
            Int(
                name="max_eval",
                label="Evaluations",
                help="How many times it computes the loss in one step, at most. Empty: a quarter more than iterations.",
                default=None,
                low=1,
                high=10_000,
                optional=True,
                none_means="1.25 × iterations",
            ),
            _tolerance("tolerance_grad", "Flatness", 1e-7, "It stops where no number of the gradient is larger."),
            _tolerance("tolerance_change", "Least change", 1e-9, "It stops where loss and weights change by less."),
            Int(
                name="history_size",
                label="History",
                help="How many of its last steps it remembers.",
                default=100,
                low=1,
                high=_HISTORY,
            ),
            Choice(
                name="line_search_fn",
                label="Line search",
                help="How it looks for the length of a step. Without a search, it is the learning rate.",
                default=None,
                choices=("strong_wolfe",),
                optional=True,
                none_means="no search",
            ),
        ),
    ),
    OptimizerEntry(
        name="Muon",
        label="Muon",
        target="mlp_core.run.optimizers:MuonAndAdamW",
        update_text=_muon_text,
        summary="Makes every step of a matrix of weights as long in all directions, by orthogonalising its momentum. "
        "Biases and other weights, which it does not take, go by AdamW with the same rate and decay.",
        formula=r"w \leftarrow (1 - \eta\lambda)\,w - \eta\,c\,\mathrm{NewtonSchulz}(g + \mu v)",
        when="Hidden layers of large networks.",
        cost="One number per weight of a matrix, two of others, and some products of matrices. Runs on the plain "
        "engine, which is slower.",
        state_per_parameter=2,
        parameters=(
            # 1e-3 is PyTorch's default. Steps of a matrix are of one length however large the gradient is: 0.02 is
            # usual where they are scaled as in Keller Jordan's "Muon" (2024), AdamW's rates where they match its RMS.
            _learning_rate(1e-3, 1e-4, 0.1),
            _weight_decay(0.1),
            Float(
                name="momentum",
                label="Momentum",
                help="How much of the previous step's direction is kept.",
                default=0.95,
                low=0.0,
                high=1.0,
                step=0.05,
                controls=("optimizer",),
            ),
            Bool(
                name="nesterov",
                label="Nesterov",
                help="Looks one momentum step ahead before it steps.",
                default=True,
            ),
            Floats(
                name="ns_coefficients",
                label="Coefficients",
                help="Of the polynomial with which a matrix is orthogonalised.",
                default=(3.4445, -4.775, 2.0315),
                labels=("a", "b", "c"),
                element=Float(name="coefficient", label="Coefficient", help="", default=1.0, low=-10.0, high=10.0),
            ),
            _eps(1e-7),
            _count("ns_steps", "Iterations", 5, "How often the polynomial is applied.", 99),
            Choice(
                name="adjust_lr_fn",
                label="Rate of a matrix",
                help="How the rate follows from the shape of a matrix: as published, or so that steps are as long as "
                "AdamW's.",
                default=None,
                choices=("original", "match_rms_adamw"),
                optional=True,
                none_means="original",
            ),
        ),
    ),
)
