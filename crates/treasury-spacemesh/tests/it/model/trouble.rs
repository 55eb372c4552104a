//! What goes wrong, request by request.

use std::sync::{Arc, Mutex};

use apogee_simmesh::{Asked, Fault, Undone};

use super::dice::Dice;
use crate::world::{World, fork};

/// How often something goes wrong with a request, in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    /// A question that is not answered, or with something else.
    pub(crate) unanswered: u64,
    /// The chain goes on, or back, before a question is answered.
    pub(crate) moves: u64,
    /// What is handed over does not arrive.
    pub(crate) lost_request: u64,
    /// It does, and the answer does not.
    pub(crate) lost_reply: u64,
    /// It is said to be taken, and forgotten.
    pub(crate) dropped: u64,
    /// There is no room.
    pub(crate) full: u64,
    /// The node is behind.
    pub(crate) not_synced: u64,
    /// A layer is made of what its account cannot pay, in a thousand layers.
    pub(crate) careless: u64,
}

#[derive(Debug)]
struct State {
    trouble: Trouble,
    dice: Dice,
}

/// The node's manners.
#[derive(Clone, Debug)]
pub(crate) struct Manners(Arc<Mutex<State>>);

impl Manners {
    /// Those of a world's node from now on.
    pub(crate) fn of(world: &World, seed: u64) -> Self {
        let state = State { trouble: Trouble::default(), dice: Dice::new(seed ^ 0xc0ffee) };
        let manners = Self(Arc::new(Mutex::new(state)));
        let (mesh, made, own) = (Arc::downgrade(&world.mesh), world.made, manners.clone());
        world.mesh.behave(move |asked| {
            let mut state = own.0.lock().unwrap();
            let moves = state.trouble.moves;
            if state.dice.chance(moves)
                && let Some(mesh) = mesh.upgrade()
            {
                if state.dice.chance(600) {
                    mesh.chain().step();
                } else {
                    fork(&mesh, made, 1 + state.dice.below(4), Undone::Pending);
                }
            }
            state.fault(asked)
        });
        manners
    }

    pub(crate) fn set(&self, trouble: Trouble) {
        self.0.lock().unwrap().trouble = trouble;
    }

    /// Layers, some of them empty or careless where there is trouble.
    pub(crate) fn mine(&self, world: &World, layers: u64) {
        for _ in 0..layers {
            let mut state = self.0.lock().unwrap();
            let careless = state.trouble.careless;
            let (careless, idle) = (state.dice.chance(careless), careless > 0 && state.dice.chance(150));
            drop(state);
            if careless {
                world.mesh.chain().step_careless();
            } else if idle {
                world.idle(1);
            } else {
                world.mine(1);
            }
        }
    }
}

impl State {
    fn fault(&mut self, asked: &Asked) -> Option<Fault> {
        let Trouble { unanswered, lost_request, lost_reply, dropped, full, not_synced, .. } = self.trouble;
        if asked.method != "TransactionService/SubmitTransaction" {
            let faults = [Fault::Unavailable, Fault::ReplyLost, Fault::Truncated, Fault::Html(502)];
            let which = usize::try_from(self.dice.below(4)).unwrap();
            return self.dice.chance(unanswered).then(|| faults[which].clone());
        }
        let faults = [
            (lost_request, Fault::Unavailable),
            (lost_reply, Fault::ReplyLost),
            (dropped, Fault::Dropped),
            (full, Fault::Full),
            (not_synced, Fault::NotSynced),
        ];
        faults.into_iter().find(|(rate, _)| self.dice.chance(*rate)).map(|(_, fault)| fault)
    }
}
