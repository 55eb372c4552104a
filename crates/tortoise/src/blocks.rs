//! Blocks that come in, and what committees say of them.

use crate::ballot::Header;
use crate::state::Block;
use crate::weight::Sign;
use crate::{BlockId, Fault, Layer, Tortoise};

impl Tortoise {
    /// A block and its content are here.
    ///
    /// # Errors
    /// [`Fault::Layers`], [`Fault::Overflow`], [`Fault::Work`].
    pub fn on_block(&mut self, header: Header) -> Result<(), Fault> {
        if header.layer <= self.window.evicted() {
            return Ok(());
        }
        match self.block_mut(&header)? {
            Some(block) => block.data = true,
            None => self.add_block(Block { data: true, ..Block::new(header) })?,
        }
        Ok(())
    }

    /// Blocks of a layer as a database has them: whether each is valid, and what the committee put out. Layers have to
    /// come in order.
    ///
    /// # Errors
    /// [`Fault::Evicted`], [`Fault::Layers`], [`Fault::Overflow`], [`Fault::Work`].
    pub fn on_recovered_blocks(
        &mut self,
        layer: Layer,
        blocks: &[(Header, bool)],
        hare: Option<BlockId>,
    ) -> Result<(), Fault> {
        for (header, valid) in blocks {
            if self.block_mut(header)?.is_some() {
                continue;
            }
            let validity = if *valid { Sign::Support } else { Sign::Abstain };
            self.add_block(Block { data: true, validity, ..Block::new(*header) })?;
        }
        self.window.reach(layer)?;
        if let Some(block) = hare {
            return self.on_hare_output(layer, block);
        }
        if !self.config.is_recent(layer, self.last) {
            let slot = self.window.reach(layer)?;
            slot.terminated = true;
            for block in slot.blocks.iter_mut().filter(|block| block.validity == Sign::Abstain) {
                block.validity = Sign::Against;
            }
            let blocks = slot.blocks.len() as u64;
            self.spend(blocks)?;
        }
        Ok(())
    }

    /// The committee of a layer put out a block, or [none](BlockId::EMPTY).
    ///
    /// # Errors
    /// [`Fault::Layers`], [`Fault::Overflow`], [`Fault::Work`].
    pub fn on_hare_output(&mut self, layer: Layer, output: BlockId) -> Result<(), Fault> {
        if layer <= self.window.evicted() {
            return Ok(());
        }
        let slot = self.window.reach(layer)?;
        slot.terminated = true;
        let mut previous = None;
        for block in &mut slot.blocks {
            if block.hare == Sign::Support {
                previous = Some(block.header.id);
            }
            block.hare = if block.header.id == output { Sign::Support } else { Sign::Against };
        }
        let blocks = slot.blocks.len() as u64;
        self.spend(blocks)?;
        let changed = previous != Some(output);
        if changed && layer <= self.processed && self.config.is_recent(layer, self.last) {
            self.opinion_changed(layer, true)?;
        }
        Ok(())
    }

    /// A block by its place.
    pub(crate) fn block_mut(&mut self, header: &Header) -> Result<Option<&mut Block>, Fault> {
        let slot = self.window.reach(header.layer)?;
        let found = slot.blocks.binary_search_by_key(&header.order(), |block| block.header.order());
        Ok(found.ok().and_then(|index| slot.blocks.get_mut(index)))
    }

    /// Hold a block that was not.
    pub(crate) fn add_block(&mut self, mut block: Block) -> Result<(), Fault> {
        let header = block.header;
        block.margin = self.late_margin(&header)?;
        let slot = self.window.reach(header.layer)?;
        if slot.terminated {
            block.hare = Sign::Against;
        }
        let at = slot.blocks.partition_point(|held| held.header.order() < header.order());
        slot.blocks.insert(at, block);
        let blocks = slot.blocks.len() as u64;
        self.spend(blocks)?;
        self.raise_height(header.layer, header.height)
    }

    /// Raise the height of a layer to that of a block of it, unless that is above what smeshers can have seen.
    pub(crate) fn raise_height(&mut self, layer: Layer, height: u64) -> Result<(), Fault> {
        let Some(most) = self.terms.get(&self.config.epoch_of(layer)).map(|term| term.height) else {
            return Ok(());
        };
        let begin =
            self.window.get(layer).filter(|slot| slot.height == 0 && slot.layer > self.window.evicted());
        if let Some(from) = begin.map(|slot| slot.layer) {
            let (below, looked) = self.window.height_below(from);
            self.spend(looked)?;
            if let Some(slot) = self.window.get_mut(layer) {
                slot.height = below;
            }
        }
        if let Some(slot) = self.window.get_mut(layer).filter(|slot| height <= most && height > slot.height) {
            slot.height = height;
        }
        Ok(())
    }
}
