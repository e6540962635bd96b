// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Many token transfers in one transaction.
/// @notice Has no owner, no storage, and never holds a token: units go straight from the caller to each
/// recipient under the allowance that the caller gave. It can only ever spend what its caller owns. If one
/// transfer fails, all of them do.
contract Disperse {
    using SafeERC20 for IERC20;

    error LengthsDiffer(uint256 recipients, uint256 amounts);

    function disperseToken(IERC20 token, address[] calldata to, uint256[] calldata units) external {
        if (to.length != units.length) revert LengthsDiffer(to.length, units.length);
        for (uint256 i = 0; i < to.length; ++i) {
            token.safeTransferFrom(msg.sender, to[i], units[i]);
        }
    }
}
