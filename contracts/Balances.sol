// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What addresses hold of the chain's own coin, all of them in one question.
/// @notice Is never deployed: its creation is only simulated (`eth_call` without a recipient), at a block that the
/// caller names, and what it would leave as its code are the balances, 32 bytes each, in the order asked.
contract Balances {
    constructor(address[] memory held) {
        uint256[] memory units = new uint256[](held.length);
        for (uint256 i = 0; i < held.length; ++i) {
            units[i] = held[i].balance;
        }
        assembly ("memory-safe") {
            return(add(units, 32), mul(mload(units), 32))
        }
    }
}
